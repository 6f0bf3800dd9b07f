import { gunzipSync } from "node:zlib";
import { decodeBase64 } from "../../tools/text/base64.ts";
import { CommandError, messageOf } from "../../tools/text/errors.ts";

/** Maximum size of decompressed content. */
const MAX_BYTES = 256 << 20;
const CHECKED_BYTES = 1 << 20;

/**
 * Why a content does not match its encoding; undefined if it matches. Only the start of compressed content is checked,
 * at no noticeable cost.
 */
export function contentProblem(content: string, encoding: string): string | undefined {
  try {
    decodeContent(content, encoding, CHECKED_BYTES);
    return undefined;
  } catch (error) {
    return error instanceof TooLarge ? undefined : messageOf(error);
  }
}

class TooLarge extends CommandError {}

/**
 * The decoded content: `b64`, `gzip` and their combinations in all spellings of the original. Throws CommandError if it
 * does not match the encoding, or decompresses to more than `maxBytes`.
 */
export function decodeContent(content: string, encoding: string, maxBytes = MAX_BYTES): Uint8Array {
  const steps = encoding
    .toLowerCase()
    .split("+")
    .filter((step) => step !== "");
  const base64 = steps.some((step) => step === "b64" || step === "base64");
  const gzip = steps.some((step) => step === "gz" || step === "gzip");
  const unknown = steps.find((step) => !["b64", "base64", "gz", "gzip"].includes(step));
  if (unknown !== undefined) {
    throw new CommandError(`found the encoding "${encoding}", expected "b64", "gzip" or "gzip+b64"`);
  }
  // compressed content without base64 can only come from a YAML `!!binary`, with one character per byte
  const bytes = base64 ? decodeBase64(content) : Buffer.from(content, gzip ? "latin1" : "utf8");
  if (bytes === undefined) throw new CommandError("the content is not valid base64");
  if (!gzip) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    const large = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    if (large) throw new TooLarge(`the content unpacks to more than ${maxBytes} bytes`);
    throw new CommandError("the content is not valid gzip data");
  }
}
