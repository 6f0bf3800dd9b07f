import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { sha256File } from "../fs/checksums.ts";
import { type Arch, TARGETS } from "../host/targets.ts";
import { CommandError } from "../text/errors.ts";
import { listName } from "./release-list.ts";

/** The architectures with a list in a local release directory. Throws CommandError if there is none. */
export function archesIn(directory: string): Arch[] {
  const arches = TARGETS.map(({ arch }) => arch).filter((arch) =>
    existsSync(join(directory, listName(arch))),
  );
  if (arches.length > 0) return arches;
  const exists = statSync(directory, { throwIfNoEntry: false })?.isDirectory();
  const why = exists ? "it contains no sha256sum-ARCH.txt" : "there is no such directory";
  throw new CommandError(`"${directory}" is not a release directory: ${why}`);
}

/** The result for a file: undefined if it is as listed, otherwise the problem. */
export type Finding = readonly [name: string, complaint: string | undefined];

/** Compares each listed file in a directory with its digest (SHA-256, hexadecimal), in the order of the list. */
export async function* compareFiles(
  directory: string,
  files: ReadonlyMap<string, string>,
): AsyncGenerator<Finding> {
  for (const [name, digest] of files) yield [name, await complaintOf(join(directory, name), digest)];
}

async function complaintOf(file: string, digest: string): Promise<string | undefined> {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return "it is not there";
  if (!found.isFile()) return "it is not a file";
  const sha256 = await sha256File(file);
  return sha256 === digest ? undefined : `its sha256 is ${sha256}, the list says ${digest}`;
}
