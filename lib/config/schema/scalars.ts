import { booleanOf, noBoolean } from "../../tools/text/boolean-word.ts";
import type { FlagField, Flaw, TextField } from "./field.ts";

/** Maximum length of a string in characters, except contents of files. */
const MAX_TEXT = 256 * 1024;
const SHOWN = 60;

/** The result of checking a scalar: its value, possibly with a flaw that does not invalidate it, or the problem. */
export type Checked<T> = { readonly value: T; readonly flaw?: Flaw } | { readonly problem: string };

/** A boolean from its text. */
export function checkFlag(field: FlagField, text: string): Checked<boolean> {
  const value = booleanOf(text);
  return value === undefined ? { problem: noBoolean(quoted(text, field)) } : { value };
}

/** A string in the form of its field: unchanged, except that final line breaks are removed if one line is expected. */
export function checkText(field: TextField, written: string): Checked<string> {
  const value = field.multiline ? written : written.replace(/[\r\n]+$/, "");
  const found = quoted(value, field);
  if (field.bytesBy !== undefined || value === "") return { value };
  if (value.length > MAX_TEXT)
    return { problem: `found a string of ${value.length} characters, expected fewer` };
  if (field.multiline && value.includes("\0")) return { problem: "found a null character, expected text" };
  // a tab in a line is harmless, and sysctls use it
  // biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the purpose
  if (!field.multiline && /[\0-\x08\n-\x1f\x7f]/.test(value)) {
    return { problem: `found ${found}, expected one line of text without control characters` };
  }
  if (field.form !== undefined && !new RegExp(field.form.pattern).test(value)) {
    return { problem: `found ${found}, expected ${field.form.expected}` };
  }
  const flaw = field.judge?.(value);
  if (flaw === undefined) return { value };
  return flaw.kept === undefined ? { problem: flaw.message } : { value, flaw };
}

/** Why a string is invalid for its field; undefined if it is valid. For prompts, which can be repeated. */
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

/** Bytes as UTF-8 text; undefined if they are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined; // TypeError: not UTF-8
  }
}

/**
 * The new `encoding` of a file whose content, encoded as `encoding` says, was converted to base64; undefined if it says
 * base64 already, which is impossible for bytes that are not text.
 */
export function encodingOfBase64(encoding: string | boolean | undefined): string | undefined {
  if (encoding === undefined || encoding === "") return "b64";
  return /^gz(ip)?$/.test(String(encoding)) ? `${encoding}+b64` : undefined;
}
