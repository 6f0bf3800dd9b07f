import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { CommandError } from "../text/errors.ts";

/** The directories of GRUB's menu: `/boot/grub`, or the one that a replaced distribution uses. */
export const GRUB_DIRECTORIES = ["/boot/grub", "/boot/grub2"] as const;

/** GRUB's variable for the number of boots left; the installer's boot menu uses it. */
export const TRIAL_VARIABLE = "k3os_trial";

/**
 * GRUB's environment block: a file of fixed size that GRUB can write in place before any system runs.
 * A backslash escapes a backslash or newline in a value.
 * Source: https://www.gnu.org/software/grub/manual/grub/html_node/Environment-block.html
 */
const SIGNATURE = "# GRUB Environment Block\n";
const SIZE = 1024;

/** An empty block, as grub-editenv(1) creates it. */
export function emptyEnvironment(): string {
  return SIGNATURE.padEnd(SIZE, "#");
}

/** The variables of a block. Throws CommandError if the text is not a block. */
export function parseEnvironment(block: string): Map<string, string> {
  const variables = new Map<string, string>();
  for (const line of linesOf(block)) {
    const at = line.indexOf("=");
    if (at > 0 && !line.startsWith("#")) {
      variables.set(line.slice(0, at), line.slice(at + 1).replaceAll(/\\([\s\S])/g, "$1"));
    }
  }
  return variables;
}

/**
 * The block with a variable set, or removed if the value is undefined. All other bytes and the size stay the same.
 * Throws CommandError if the text is not a block or has no space left.
 */
export function withVariable(block: string, name: string, value: string | undefined): string {
  const kept = linesOf(block).filter((line) => !line.startsWith(`${name}=`));
  if (value !== undefined) kept.push(`${name}=${value.replaceAll(/[\\\n]/g, "\\$&")}`);
  const text = kept.map((line) => `${line}\n`).join("");
  if (text.length > block.length) throw new CommandError("GRUB's environment block is full");
  return text.padEnd(block.length, "#");
}

/**
 * Changes a variable in the file of a block, in place and flushed: GRUB and others find the file by its location on the
 * disk.
 */
export function setVariable(path: string, name: string, value: string | undefined): void {
  try {
    const block = readFileSync(path, "latin1");
    const changed = withVariable(block, name, value);
    if (changed === block) return;
    const fd = openSync(path, "r+");
    try {
      writeSync(fd, changed, 0, "latin1");
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    throw new CommandError(`Cannot change GRUB's environment block "${path}"`, { cause });
  }
}

/** The lines before the padding. */
function linesOf(block: string): string[] {
  if (!block.startsWith(SIGNATURE)) throw new CommandError("it is not a GRUB environment block");
  // GRUB writes the file in place: it cannot if the file is too short
  if (block.length < SIZE) throw new CommandError(`it has ${block.length} bytes, expected ${SIZE}`);
  const lines: string[] = [];
  for (let at = 0; at < block.length; ) {
    let end = block.indexOf("\n", at);
    while (end > 0 && block[end - 1] === "\\") end = block.indexOf("\n", end + 1);
    if (end === -1) break;
    lines.push(block.slice(at, end));
    at = end + 1;
  }
  return lines;
}
