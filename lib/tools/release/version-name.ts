import { CommandError } from "../text/errors.ts";

/**
 * A version of a component is the name of a directory, the target of a link, a field of a signature and part of a URL. It is
 * the same everywhere: nothing that leads elsewhere, that is hidden, or that a file system or a URL could not hold.
 */
const FORM = /^[A-Za-z0-9][A-Za-z0-9._+~-]{0,127}$/;

/** The links beside the versions. */
const LINKS = ["current", "previous"];

/** What an interrupted upgrade leaves beside the versions, ours and that of the original (`current.tmp`, `VERSION.old`). */
const LEFTOVER = /^\.|\.(tmp|old)$/;

/** Whether a text can be a version. */
export function isVersion(text: string): boolean {
  return FORM.test(text) && !LINKS.includes(text) && !LEFTOVER.test(text);
}

/** Returns what can be a version; throws CommandError for anything else. */
export function checkVersion(text: string): string {
  if (isVersion(text)) return text;
  throw new CommandError(`${JSON.stringify(text)} cannot be the name of a version`);
}

/** Whether a name beside the versions is what an interrupted upgrade has left. */
export function isLeftover(name: string): boolean {
  return LEFTOVER.test(name);
}
