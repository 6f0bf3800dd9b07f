import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunResult } from "../../../../lib/tools/host/host.ts";

/** What chpasswd does in a root of its own, without the hashing. */
export function playChpasswd(argv: readonly string[]): Partial<RunResult> {
  const root = argv[argv.indexOf("--root") + 1] ?? "";
  if (argv[0] === "chpasswd") writeFileSync(join(root, "etc/shadow"), "rancher:$6$salt$hash:1::::::\n");
  return {};
}
