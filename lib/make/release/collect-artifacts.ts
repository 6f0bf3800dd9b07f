import { copyFileSync, linkSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "../../tools/host/host.ts";
import type { Arch } from "../../tools/host/targets.ts";
import { type Release, readRelease } from "../../tools/release/read-release.ts";
import { compareFiles } from "../../tools/release/release-directory.ts";
import type { PublicKey } from "../../tools/release/signature-keys.ts";
import { CommandError } from "../../tools/text/errors.ts";

/**
 * Verifies the signed list of an architecture in a directory, and every file in it. Throws CommandError for another
 * version than `version`, and with all files that have changed since they were signed.
 */
export async function verifyArtifacts(
  directory: string,
  {
    arch,
    keys,
    version,
  }: { readonly arch: Arch; readonly keys: readonly PublicKey[]; readonly version: string },
  host: Pick<Host, "log" | "clock" | "env" | "run">,
): Promise<Release> {
  const release = await readRelease(directory, { arch, trust: { kind: "keys", keys } }, host);
  if (release.version !== version)
    throw new CommandError(
      `The artifacts of ${arch} are signed for ${release.version}, expected ${version}`,
      {
        hint: "build them again: npm run build",
      },
    );
  const complaints: string[] = [];
  for await (const [name, complaint] of compareFiles(directory, release.files)) {
    if (complaint !== undefined) complaints.push(`${name}: ${complaint}`);
  }
  if (complaints.length === 0) return release;
  throw new CommandError(`Artifacts of ${arch} changed after they were signed: ${complaints.join("; ")}`);
}

/** Puts a file of one directory into another: a hard link, as nobody writes to either, or a copy. */
export function takeFile(from: string, to: string, name: string): void {
  try {
    linkSync(join(from, name), join(to, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    copyFileSync(join(from, name), join(to, name)); // another file system
  }
}
