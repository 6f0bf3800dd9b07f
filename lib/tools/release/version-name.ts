import { CommandError } from "../text/errors.ts";

/**
 * The version of a component is a directory name, a link target, a field of a signature and part of a URL. The same
 * form is required everywhere: it must not lead to another directory, be hidden, or be invalid in a file system or URL.
 */
const FORM = /^[A-Za-z0-9][A-Za-z0-9._+~-]{0,127}$/;

/** The links beside the versions. */
const LINKS = ["current", "previous"];

/**
 * The leftovers of an interrupted upgrade beside the versions, ours and the original's (`current.tmp`, `VERSION.old`).
 */
const LEFTOVER = /^\.|\.(tmp|old)$/;

/** Whether a text is a valid version. */
export function isVersion(text: string): boolean {
  return FORM.test(text) && !LINKS.includes(text) && !LEFTOVER.test(text);
}

/** Returns a valid version; throws CommandError for any other text. */
export function checkVersion(text: string): string {
  if (isVersion(text)) return text;
  throw new CommandError(`${JSON.stringify(text)} cannot be the name of a version`);
}

/** Whether a name beside the versions is the leftover of an interrupted upgrade. */
export function isLeftover(name: string): boolean {
  return LEFTOVER.test(name);
}
