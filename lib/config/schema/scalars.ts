import { booleanOf, noBoolean } from "../../tools/text/boolean-word.ts";
import type { FlagField, Flaw, TextField } from "./field.ts";

/** Longest text in characters, contents of files excepted. */
const MAX_TEXT = 256 * 1024;
const SHOWN = 60;

/** The outcome of checking a scalar: its value, with what is wrong although it counts, or what was found and wanted. */
export type Checked<T> = { readonly value: T; readonly flaw?: Flaw } | { readonly problem: string };

/** A boolean from its text. */
export function checkFlag(field: FlagField, text: string): Checked<boolean> {
  const value = booleanOf(text);
  return value === undefined ? { problem: noBoolean(quoted(text, field)) } : { value };
}

/** A text as its field admits it: as written, but without final line breaks where one line is wanted. */
export function checkText(field: TextField, written: string): Checked<string> {
  const value = field.multiline ? written : written.replace(/[\r\n]+$/, "");
  const found = quoted(value, field);
  if (field.bytesBy !== undefined || value === "") return { value };
  if (value.length > MAX_TEXT)
    return { problem: `found a string of ${value.length} characters, expected fewer` };
  if (field.multiline && value.includes("\0")) return { problem: "found a null character, expected text" };
  // a tab does no harm in a line, and sysctls use it
  // biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
  if (!field.multiline && /[\0-\x08\n-\x1f\x7f]/.test(value)) {
    return { problem: `found ${found}, expected one line of text without control characters` };
  }
  if (field.form !== undefined && !new RegExp(field.form.pattern).test(value)) {
    return { problem: `found ${found}, expected ${field.form.wanted}` };
  }
  const flaw = field.judge?.(value);
  if (flaw === undefined) return { value };
  return flaw.kept === undefined ? { problem: flaw.message } : { value, flaw };
}

/** What keeps a text from being what its field wants; undefined if it is. For who can still be asked for another one. */
export function textProblem(field: TextField, text: string): string | undefined {
  const checked = checkText(field, text);
  if ("problem" in checked) return checked.problem;
  return checked.flaw?.kept === "error" ? checked.flaw.message : undefined;
}

/** A value for messages: quoted and shortened, or only named if it is a secret. */
export function quoted(text: string, field: { readonly secret?: boolean }): string {
  if (field.secret) return "a text (secret, not shown)";
  return JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
}

/** Bytes as UTF-8 text, or undefined if they are none. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined; // TypeError: not UTF-8
  }
}

/**
 * The `encoding` of a file whose content, which `encoding` says how to decode, was put into base64; undefined if it says
 * base64 already, which bytes that are no text cannot be.
 */
export function encodingOfBase64(encoding: string | boolean | undefined): string | undefined {
  if (encoding === undefined || encoding === "") return "b64";
  return /^gz(ip)?$/.test(String(encoding)) ? `${encoding}+b64` : undefined;
}
