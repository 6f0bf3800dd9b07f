/** The types of the values in a dumped configuration. */
export type YamlValue = string | boolean | readonly YamlValue[] | { readonly [key: string]: YamlValue };

/**
 * A value as YAML that reads back the same in YAML 1.1 and 1.2: a string is plain only if it is unambiguous, and a
 * block only if no reader can change its spaces. `stringify` of yaml 2.9 is not as strict: it writes a string of a
 * space and a line break as a block that reads back without the space. It writes `=` and `<<` plain, which have special
 * meanings in YAML 1.1, and `0o14` plain for YAML 1.1, which is 12 in YAML 1.2.
 */
export function emitYaml(value: YamlValue): string {
  return `${emit(value, "").slice(1)}\n`; // there is no key before the value
}

/** A value after `key:` or `-`: on the same line after a space, or on the next lines at `indent`. */
function emit(value: YamlValue, indent: string): string {
  if (typeof value === "string")
    return value.includes("\n") ? emitLines(value, indent) : ` ${emitText(value)}`;
  if (typeof value === "boolean") return ` ${value}`;
  if (Array.isArray(value)) return emitItems(value, indent);
  return emitEntries(Object.entries(value), indent, `\n${indent}`);
}

function emitItems(items: readonly YamlValue[], indent: string): string {
  if (items.length === 0) return " []";
  return items
    .map((item) => {
      const entries = typeof item === "object" && !Array.isArray(item) ? Object.entries(item) : [];
      // the first key of a map is on the line of its dash
      const content =
        entries.length > 0 ? emitEntries(entries, `${indent}  `, " ") : emit(item, `${indent}  `);
      return `\n${indent}-${content}`;
    })
    .join("");
}

function emitEntries(
  entries: readonly (readonly [string, YamlValue])[],
  indent: string,
  start: string,
): string {
  if (entries.length === 0) return " {}";
  const lines = entries.map(([key, value]) => {
    // lists have the indentation of their key, as in the original
    return `${emitText(key)}:${emit(value, Array.isArray(value) ? indent : `${indent}  `)}`;
  });
  return `${start}${lines.join(`\n${indent}`)}`;
}

/** A string on one line: plain, or in double quotes as in JSON. */
function emitText(text: string): string {
  const isPlain = /^[A-Za-z/][\w./@+=,-]*(?:[ :]+[\w./@+=,-]+)*$/.test(text) && !/: /.test(text);
  if (isPlain && !/^(?:y|n|yes|no|on|off|true|false|null)$/i.test(text)) return text;
  const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(text).replace(/[\x7f-\xa0\u2028\u2029\ufeff]/g, escaped);
}

/** A string of several lines: a block if all lines are printable and the first is not indented. */
function emitLines(text: string, indent: string): string {
  const [, content = "", end = ""] = /^(.*?)(\n*)$/s.exec(text) ?? [];
  const isClean = /^[^\s]/.test(content) && !/[^\n\t -~\xa1-\u1fff\u2030-\ufefe]| $|[ \t]\n/.test(content);
  if (!isClean || end.length > 1) return ` ${emitText(text)}`;
  const lines = content.split("\n").map((line) => (line === "" ? "" : `${indent}${line}`));
  return ` |${end === "" ? "-" : ""}\n${lines.join("\n")}`;
}
