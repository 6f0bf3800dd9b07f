import { CommandError } from "../../tools/text/errors.ts";

/**
 * A file of a squashfs that is not compressed and has a block of its own, so that its text can be written over in the finished
 * image. Behind the text a comment fills it up.
 */
export interface Slot {
  /** Below the root of the image. */
  readonly path: string;
  /** In bytes. */
  readonly size: number;
}

/** Sizes are multiples of it: most texts still fit when they have changed. */
const UNIT = 1024;
/** Characters of a version; a longer one gets slots of its own. */
const VERSION_ROOM = 40;
/** What an empty slot begins with, behind the start of a comment; the path and a line feed follow. */
const MARK = Buffer.from(" k3OS fills this in: ");
const LINE_FEED = 10;

/** Slots that are large enough for texts, given by their paths, and the same for each version that they may speak of. */
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

/** Writes the texts into an image with these slots. Throws CommandError unless there is one for each, and it fits. */
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

/** A text with a comment behind it, of spaces, so that both have `size` bytes. */
function filled(text: Buffer, path: string, size: number): Buffer {
  const start = comment(path);
  return Buffer.concat([text, Buffer.from(`${start.padEnd(size - text.length - 1)}\n`)]);
}

function shortestFill(path: string): number {
  return comment(path).length + 1;
}

/** What begins a comment: in the source of a manual page, else in what a shell reads and in os-release(5). */
function comment(path: string): string {
  return /\/man\d\//.test(path) ? '.\\"' : "#";
}
