import { CommandError } from "../../tools/text/errors.ts";

/**
 * A file of a squashfs that is not compressed and has its own block, so that its text can be overwritten in the
 * finished image. A comment after the text fills the rest.
 */
export interface Slot {
  /** Below the root of the image. */
  readonly path: string;
  /** In bytes. */
  readonly size: number;
}

/** Sizes are multiples of this: most changed texts still fit. */
const UNIT = 1024;
/** Characters of a version; a longer one needs other slots. */
const VERSION_ROOM = 40;
/** The beginning of an empty slot, after the start of a comment; the path and a line feed follow. */
const MARK = Buffer.from(" k3OS fills this in: ");
const LINE_FEED = 10;

/** Slots for texts, given by their paths, with the same sizes for every version in the texts. */
export function slotsFor(texts: Readonly<Record<string, string>>, version: string): Slot[] {
  const room = version.padEnd(VERSION_ROOM);
  return Object.entries(texts)
    .map(([path, text]) => {
      const size = Buffer.byteLength(text.replaceAll(version, room)) + shortestFill(path);
      const least = Math.max(size, emptyText(path).length);
      return { path, size: Math.ceil(least / UNIT) * UNIT };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The content of a slot in an image that was made without its text. */
export function emptySlot({ path, size }: Slot): Buffer {
  return filled(emptyText(path), path, size);
}

/** The options of mksquashfs for an image with slots. */
export function slotOptions(slots: readonly Slot[]): string[] {
  return slots.flatMap(({ path }) => {
    return ["uncompressed", "no-fragments"].flatMap((action) => ["-action", `${action}@pathname(${path})`]);
  });
}

/** Writes the texts into an image with these slots. Throws CommandError if a slot is missing or too small. */
export function fillSlots(
  image: Buffer,
  texts: Readonly<Record<string, string>>,
  slots: readonly Slot[],
): void {
  const left = new Map(slots.map((slot) => [slot.path, slot]));
  for (let mark = image.indexOf(MARK); mark >= 0; mark = image.indexOf(MARK, mark + 1)) {
    const path = image.toString("utf8", mark + MARK.length, image.indexOf(LINE_FEED, mark));
    const [slot, text] = [left.get(path), texts[path]];
    if (slot === undefined || text === undefined)
      throw new CommandError(`The image has a slot "${path}" that is not known, or two`);
    left.delete(path);
    if (Buffer.byteLength(text) + shortestFill(path) > slot.size)
      throw new CommandError(`The text for "${path}" has more than the ${slot.size} bytes of its slot`);
    filled(Buffer.from(text), path, slot.size).copy(image, mark - comment(path).length);
  }
  if (left.size > 0) throw new CommandError(`The image lacks the slots: ${[...left.keys()].join(", ")}`);
}

function emptyText(path: string): Buffer {
  return Buffer.from(`${comment(path)}${MARK}${path}\n`);
}

/** A text followed by a comment of spaces, so that both have `size` bytes. */
function filled(text: Buffer, path: string, size: number): Buffer {
  const start = comment(path);
  return Buffer.concat([text, Buffer.from(`${start.padEnd(size - text.length - 1)}\n`)]);
}

function shortestFill(path: string): number {
  return comment(path).length + 1;
}

/** The start of a comment: for a manual page, or else for shells and os-release(5). */
function comment(path: string): string {
  return /\/man\d\//.test(path) ? '.\\"' : "#";
}
