import { PT, parseElf } from "../../tools/fs/elf-header.ts";
import type { Target } from "../../tools/host/targets.ts";
import { CommandError } from "../../tools/text/errors.ts";

/**
 * Throws CommandError unless the file is a static executable for the target: no interpreter, no dynamic section, every
 * segment within the file, none writable and executable at once.
 */
export function checkExecutable(file: Buffer, target: Pick<Target, "arch" | "elfMachine">): void {
  const { machine, segments } = parseElf(file);
  const complaints = [
    machine === target.elfMachine ? "" : `is for machine ${machine}, not ${target.elfMachine}`,
    segments.some((s) => s.type === PT.interp) ? "wants an interpreter" : "",
    segments.some((s) => s.type === PT.dynamic) ? "has a dynamic section" : "",
    segments.some((s) => s.offset + s.fileSize > file.length) ? "is cut off" : "",
    segments.some((s) => s.type === PT.load && (s.flags & 3) === 3) ? "has writable code" : "",
  ].filter((complaint) => complaint !== "");
  if (complaints.length > 0)
    throw new CommandError(`The executable for ${target.arch} ${complaints.join(", ")}`);
}
