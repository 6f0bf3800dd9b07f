import { writeFileAtomic } from "../../tools/fs/atomic.ts";
import { isThere } from "../../tools/fs/links.ts";
import { readTextBounded } from "../../tools/fs/read-bounded.ts";
import type { Host } from "../../tools/host/host.ts";
import { inRoot } from "../../tools/host/paths.ts";
import { messageOf } from "../../tools/text/errors.ts";

/** A text of this machine that is created once and kept for all later boots. */
export interface KeptText {
  readonly path: string;
  readonly mode: number;
  /** Whether a text is valid; an invalid one counts as missing. */
  readonly isValid: (text: string) => boolean;
  /** Whether a text is a placeholder for one that is not yet created. */
  readonly isTemplate?: (text: string) => boolean;
  readonly make: () => string;
}

/**
 * The text of a kept file. A missing text is created and written completely or not at all, even in a power cut. A
 * damaged text is created again and logged. If the file cannot be read or written, this is logged and the new text is
 * used for this boot only.
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
