import { existsSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { hasVersion } from "../tools/generation/generation-links.ts";
import { PATH } from "../tools/host/paths.ts";

/**
 * Whether the machine of a system directory boots a kernel that is not among its versions, so that changing them has no
 * effect: it has none, or is a board's own Linux, over which the tarball with a kernel was unpacked.
 */
export function bootsForeignKernel(system: string): boolean {
  if (!existsSync(join(system, "kernel"))) return true;
  // in the controller's container the root is not the machine's, but the kernel is
  const mode = join(system, "../..", PATH.mode);
  const booted = existsSync(mode) && readFileSync(mode, "utf8").trim() === "local";
  return booted && !hasVersion(system, "kernel", release());
}
