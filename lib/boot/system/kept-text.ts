import { writeFileAtomic } from "../../tools/fs/atomic.ts";
import { isThere } from "../../tools/fs/links.ts";
import { readTextBounded } from "../../tools/fs/read-bounded.ts";
import type { Host } from "../../tools/host/host.ts";
import { inRoot } from "../../tools/host/paths.ts";
import { messageOf } from "../../tools/text/errors.ts";

/** A text of this machine that is made once, and kept for all later boots. */
export interface KeptText {
  readonly path: string;
  readonly mode: number;
  /** Whether a text is one: what is none counts as missing. */
  readonly isValid: (text: string) => boolean;
  /** Whether a text only stands for one that is still to be made. */
  readonly isTemplate?: (text: string) => boolean;
  readonly make: () => string;
}

/**
 * The text of a kept file; made, and written so that a power cut leaves all of it or none, where there is none. One that
 * is damaged is made anew, and logged. Where it cannot be read or written, which is logged too, it serves this boot alone.
 */
export function keptText(
  { path, mode, isValid, isTemplate, make }: KeptText,
  host: Pick<Host, "root" | "log">,
): string {
  const file = inRoot(host, path);
  const made = make();
  try {
    const found = isThere(file) ? readTextBounded(file) : undefined;
    if (found !== undefined && isValid(found)) return found;
    writeFileAtomic(file, made, { mode, parents: true });
    const isDamaged = found !== undefined && isTemplate?.(found) !== true;
    if (isDamaged) host.log.warn(`"${path}" was damaged and has been recreated`);
  } catch (error) {
    host.log.error(messageOf(error));
  }
  return made;
}
