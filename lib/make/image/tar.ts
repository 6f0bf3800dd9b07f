import { CommandError } from "../../tools/text/errors.ts";
import { type Piece, sizeOf } from "./pieces.ts";

/** A member of a tar archive; paths are relative and without a leading "./". */
export type TarEntry =
  | { readonly kind: "directory"; readonly path: string }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | {
      readonly kind: "file";
      readonly path: string;
      readonly mode: number;
      readonly content: readonly Piece[];
    };

const BLOCK = 512;
const TYPE = { file: "0", link: "2", directory: "5" } as const;

/**
 * A tar archive in pieces, in the format that every reader supports ("ustar", POSIX.1-1988; pax(1) describes it): owned
 * by root, all times `mtime` (seconds), entries in the given order. The same entries result in the same bytes.
 * Directories must come before their content. Throws CommandError for a path or link target that is too long for the
 * format.
 */
export function tarPieces(entries: readonly TarEntry[], mtime: number): readonly Piece[] {
  const members = entries.flatMap((entry): Piece[] => {
    if (entry.kind === "directory") return [header(`${entry.path}/`, { ...entry, mode: 0o755, mtime })];
    if (entry.kind === "link") return [header(entry.path, { ...entry, mode: 0o777, mtime })];
    const size = sizeOf(entry.content);
    const padding = new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);
    return [header(entry.path, { ...entry, size, mtime }), ...entry.content, padding];
  });
  return [...members, new Uint8Array(2 * BLOCK)];
}

interface Fields {
  readonly kind: TarEntry["kind"];
  readonly mode: number;
  readonly mtime: number;
  readonly size?: number;
  readonly target?: string;
}

function header(path: string, { kind, mode, mtime, size = 0, target = "" }: Fields): Uint8Array {
  const block = Buffer.alloc(BLOCK);
  const text = (at: number, length: number, value: string) => {
    if (block.write(value, at, length) !== Buffer.byteLength(value)) {
      throw new CommandError(`"${value}" does not fit into a tar archive: ${length} bytes at most`);
    }
  };
  const octal = (at: number, length: number, value: number) =>
    text(at, length - 1, value.toString(8).padStart(length - 1, "0"));
  const [prefix, name] = splitPath(path);
  text(0, 100, name);
  octal(100, 8, mode);
  octal(108, 8, 0);
  octal(116, 8, 0);
  octal(124, 12, size);
  octal(136, 12, mtime);
  text(148, 8, " ".repeat(8)); // the checksum counts its own field as spaces
  text(156, 1, TYPE[kind]);
  text(157, 100, target);
  text(257, 8, "ustar\u000000");
  octal(329, 8, 0);
  octal(337, 8, 0);
  text(345, 155, prefix);
  octal(
    148,
    7,
    block.reduce((sum, byte) => sum + byte, 0),
  );
  block[154] = 0;
  return block;
}

/** A name of up to 100 bytes, with a prefix if the path is longer. */
function splitPath(path: string): readonly [prefix: string, name: string] {
  if (Buffer.byteLength(path) <= 100) return ["", path];
  const slash = path.indexOf("/", path.length - 101);
  const isName = slash >= 0 && slash < path.length - 1;
  return isName ? [path.slice(0, slash), path.slice(slash + 1)] : ["", path];
}
