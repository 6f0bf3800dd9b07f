import { decodeUtf8 } from "../schema/scalars.ts";
import type { Diagnostic } from "./diagnostics.ts";
import { parseYaml } from "./document.ts";
import { interpretDocument, REPLACEMENT } from "./interpret.ts";
import { judgeLayers } from "./judge.ts";
import type { Merged } from "./merge.ts";
import type { Layer } from "./setting.ts";

/** The settings of one text, YAML or JSON; messages call it `source`. */
function parseLayer(text: string, source: string, options: { readonly damaged?: boolean } = {}): Layer {
  const { document, diagnostics } = parseYaml(text, source);
  if (document === undefined) return { settings: [], diagnostics };
  const layer = interpretDocument(document, options);
  return { settings: layer.settings, diagnostics: [...diagnostics, ...layer.diagnostics] };
}

/**
 * The settings of one file, YAML or JSON in UTF-8 (or UTF-16 with a byte order mark). Stray bytes of another encoding
 * invalidate only the values that contain them.
 */
export function parseBytes(bytes: Uint8Array, source: string): Layer {
  const text = decodeUtf8(bytes) ?? decodeUtf16(bytes);
  if (text !== undefined) return parseLayer(text, source);
  const damaged = new TextDecoder().decode(bytes);
  const line = damaged.slice(0, damaged.indexOf(REPLACEMENT)).split("\n").length;
  const message = "found bytes that are not UTF-8, expected UTF-8 text";
  const warning: Diagnostic = { severity: "warning", place: { source, line }, path: "", message };
  const layer = parseLayer(damaged, source, { damaged: true });
  return { settings: layer.settings, diagnostics: [warning, ...layer.diagnostics] };
}

/** Text in UTF-16, as Windows PowerShell writes it; undefined without a byte order mark. */
function decodeUtf16(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  return undefined;
}

/**
 * Reads one configuration file (YAML or JSON); messages call it `name`. Never throws: unusable parts are left out and
 * reported.
 */
export function parseConfig(bytes: Uint8Array, name: string): Merged {
  return judgeLayers([parseBytes(bytes, name)]);
}

/** {@link parseConfig} of a text. */
export function parseConfigText(text: string, name: string): Pick<Merged, "config" | "diagnostics"> {
  const { config, diagnostics } = judgeLayers([parseLayer(text, name)]);
  return { config, diagnostics };
}
