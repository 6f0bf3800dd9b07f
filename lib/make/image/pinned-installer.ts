import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../../tools/fs/atomic.ts";
import { COMMITTED_KEYS } from "../../tools/release/release-keys.ts";
import type { BuildContext } from "../build/context.ts";

/**
 * Writes `install.sh` with the keys that the executable of this build has: the committed ones, and those of the build.
 * Returns its path.
 */
export function pinnedInstaller({
  project,
  cache,
  releaseKeys,
}: Pick<BuildContext, "project" | "cache" | "releaseKeys">): string {
  const file = join(cache, "install.sh");
  const text = readFileSync(join(project, "install.sh"), "utf8");
  const keys = [...COMMITTED_KEYS, ...releaseKeys].join(" ");
  writeFileAtomic(file, text.replace(/^KEYS='.*'$/m, `KEYS='${keys}'`), { mode: 0o755 });
  return file;
}
