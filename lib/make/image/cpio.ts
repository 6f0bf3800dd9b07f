/** A member of an initramfs archive; paths are relative and without a leading "./". */
export type CpioEntry =
  | { readonly kind: "directory"; readonly path: string; readonly mode?: number }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | { readonly kind: "file"; readonly path: string; readonly mode?: number; readonly content: Uint8Array }
  | {
      readonly kind: "character";
      readonly path: string;
      readonly mode?: number;
      readonly major: number;
      readonly minor: number;
    };

const TYPE = { directory: 0o040000, link: 0o120000, file: 0o100000, character: 0o020000 } as const;
const DEFAULT_MODE = { directory: 0o755, link: 0o777, file: 0o644, character: 0o600 } as const;
const ALIGNMENT = 512;

/**
 * A "newc" cpio archive: owned by root, all times `mtime` (seconds), entries in the given order, padded to a multiple
 * of 512 bytes. The same entries result in the same bytes. Directories must come before their content.
 * Source: https://docs.kernel.org/driver-api/early-userspace/buffer-format.html
 */
export function cpioArchive(entries: readonly CpioEntry[], mtime: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let length = 0;
  const push = (bytes: Uint8Array) => {
    parts.push(bytes);
    length += bytes.length;
  };
  const pad = (to: number) => push(new Uint8Array((to - (length % to)) % to));

  entries.forEach((entry, index) => {
    const data = dataOf(entry);
    const [major, minor] = entry.kind === "character" ? [entry.major, entry.minor] : [0, 0];
    const mode =
      TYPE[entry.kind] | (entry.kind === "link" ? 0o777 : (entry.mode ?? DEFAULT_MODE[entry.kind]));
    const links = entry.kind === "directory" ? 2 : 1;
    push(header(entry.path, { inode: index + 1, mode, links, mtime, size: data.length, major, minor }));
    pad(4);
    push(data);
    pad(4);
  });
  push(header("TRAILER!!!", { inode: 0, mode: 0, links: 1, mtime: 0, size: 0, major: 0, minor: 0 }));
  pad(ALIGNMENT);
  return Buffer.concat(parts);
}

function dataOf(entry: CpioEntry): Uint8Array {
  if (entry.kind === "file") return entry.content;
  if (entry.kind === "link") return Buffer.from(entry.target);
  return new Uint8Array();
}

interface Fields {
  readonly inode: number;
  readonly mode: number;
  readonly links: number;
  readonly mtime: number;
  readonly size: number;
  readonly major: number;
  readonly minor: number;
}

function header(path: string, { inode, mode, links, mtime, size, major, minor }: Fields): Uint8Array {
  const name = Buffer.from(`${path}\0`);
  const fields = [inode, mode, 0, 0, links, mtime, size, 0, 0, major, minor, name.length, 0];
  const text = fields.map((field) => field.toString(16).toUpperCase().padStart(8, "0")).join("");
  return Buffer.concat([Buffer.from(`070701${text}`), name]);
}

/** The directories above `paths`, each once, parents first, as entries. */
export function parentDirectories(
  paths: readonly string[],
): { readonly kind: "directory"; readonly path: string }[] {
  const directories = new Set<string>();
  for (const path of paths) {
    const words = path.split("/").slice(0, -1);
    words.forEach((_, index) => {
      directories.add(words.slice(0, index + 1).join("/"));
    });
  }
  return [...directories].sort().map((path) => ({ kind: "directory", path }));
}
