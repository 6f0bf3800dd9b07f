/** A string or template in TypeScript code. */
export interface StringLiteral {
  /** Counted from 1. */
  readonly line: number;
  /** The code on the left of it, as far as its line and the one above go. */
  readonly before: string;
  /** Without escapes; each `${…}` is `{}`. */
  readonly text: string;
}

/** Where a slash begins a regular expression rather than a division: behind an operator. */
const BEFORE_REGEXP = /(?:[(,=:!&|?{};[]|\breturn|=>)\s*$/;
/** As much code as is looked at on the left of a literal. */
const REACH = 120;

/** The strings and templates in a TypeScript file, also those within templates; not those in comments. */
export function stringLiterals(code: string): StringLiteral[] {
  const found: StringLiteral[] = [];
  let at = 0;

  const skipPast = (end: string): void => {
    const next = code.indexOf(end, at);
    at = next < 0 ? code.length : next + end.length;
  };
  const skipRegExp = (): void => {
    let inClass = false;
    for (at++; code[at] !== "/" || inClass; at++) {
      if (code[at] === "\\") at++;
      else if (code[at] === "[") inClass = true;
      else if (code[at] === "]") inClass = false;
    }
    at++;
  };
  const readString = (quote: string): string => {
    let text = "";
    for (at++; at < code.length && code[at] !== quote; ) {
      if (quote === "`" && code.startsWith("${", at)) {
        at += 2;
        readCode("}");
        text += "{}";
      } else if (code[at] === "\\") {
        text += code[at + 1] === "n" ? "\n" : (code[at + 1] ?? "");
        at += 2;
      } else text += code[at++];
    }
    at++;
    return text;
  };
  /** Up to `end` on the same level of braces. */
  const readCode = (end: string | undefined): void => {
    for (let depth = 0; at < code.length; ) {
      const char = code[at] ?? "";
      const start = at;
      if (char === end && depth === 0) {
        at++;
        return;
      }
      if (code.startsWith("//", at)) skipPast("\n");
      else if (code.startsWith("/*", at)) skipPast("*/");
      else if (char === "/" && BEFORE_REGEXP.test(code.slice(Math.max(0, at - REACH), at))) skipRegExp();
      else if (/["'`]/.test(char)) {
        const before = code.slice(Math.max(0, start - REACH), start);
        const line = code.slice(0, start).split("\n").length;
        found.push({ line, before, text: readString(char) });
      } else {
        depth += char === "{" ? 1 : char === "}" ? -1 : 0;
        at++;
      }
    }
  };

  readCode(undefined);
  return found;
}
