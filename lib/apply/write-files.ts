import { lstatSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { requireReplaceable } from "../atomic.ts";
import type { WriteFile } from "../config/schema.ts";
import { CommandError, during } from "../errors.ts";
import { inRoot } from "../paths.ts";
import { type Applier, type ApplyHost, forEachItem, listItems } from "./applier.ts";
import { putFile } from "./files.ts";
import { findOwner } from "./users.ts";

/** A compressed content may not unpack to more. */
const MAX_BYTES = 256 << 20;

/** Writes files, in order; a symbolic link is replaced, set-id bits are kept, and each file appears whole. */
export const writeFiles: Applier = {
  name: "write_files",
  apply: (config, host) =>
    forEachItem(listItems("write_files", config.writeFiles), (file) =>
      during(`Writing ${JSON.stringify(file.path)}`, () => writeOne(file, host)),
    ),
};

function writeOne(file: WriteFile, host: ApplyHost): void {
  const path = absolutePath(file.path);
  requireReplaceable(lstatSync(inRoot(host, path), { throwIfNoEntry: false }));
  const content = decodeContent(file.content ?? "", file.encoding ?? "");
  const self = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  const owner = findOwner(file.owner ?? "", self, host);
  putFile(path, content, { mode: parseMode(file.permissions ?? ""), ...owner }, host);
}

/** As in the original, a relative path starts at `/`; `..` never leads above it. */
function absolutePath(path: string): string {
  if (path === "" || path.endsWith("/")) throw new CommandError("expected the path of a file");
  if (path.includes("\0")) throw new CommandError("found a NUL character in the path");
  return join("/", path);
}

function parseMode(text: string): number {
  if (text === "") return 0o644;
  if (!/^(0o)?[0-7]{1,5}$/.test(text))
    throw new CommandError(`found the permissions "${text}", wanted such as "0644"`);
  return Number.parseInt(text.replace("0o", ""), 8) & 0o7777;
}

/** The bytes that a content means: `b64`, `gzip` and their combinations in all spellings of the original. */
export function decodeContent(content: string, encoding: string): Uint8Array {
  const steps = encoding
    .toLowerCase()
    .split("+")
    .filter((step) => step !== "");
  const base64 = steps.some((step) => step === "b64" || step === "base64");
  const gzip = steps.some((step) => step === "gz" || step === "gzip");
  const unknown = steps.find((step) => !["b64", "base64", "gz", "gzip"].includes(step));
  if (unknown !== undefined) {
    throw new CommandError(`found the encoding "${encoding}", wanted "b64", "gzip" or "gzip+b64"`);
  }
  // compressed content without base64 can only come from a YAML `!!binary`, one character a byte
  const bytes = base64 ? decodeBase64(content) : Buffer.from(content, gzip ? "latin1" : "utf8");
  if (!gzip) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_BYTES });
  } catch (error) {
    const large = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    throw new CommandError(
      large ? `the content unpacks to more than ${MAX_BYTES} bytes` : "the content is not valid gzip data",
    );
  }
}

function decodeBase64(text: string): Buffer {
  const packed = text.replaceAll(/\s/g, "");
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(packed)) throw new CommandError("the content is not valid base64");
  return Buffer.from(packed, "base64");
}
