import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { runProgram } from "../../lib/host.ts";
import { hostTarget, type Target } from "../../lib/targets.ts";

const BINFMT = "/proc/sys/fs/binfmt_misc";

/**
 * Makes this kernel run a target's programs by qemu-user, also in a chroot that has no qemu: the kernel opens qemu when
 * it is registered (flag F), and passes on argv[0] (flag P). Throws with the reason where that cannot be done.
 * https://docs.kernel.org/admin-guide/binfmt-misc.html
 */
export async function enableForeignPrograms(target: Target): Promise<void> {
  if (target.arch === hostTarget().arch) return;
  if (!existsSync(`${BINFMT}/register`)) {
    await runProgram(["mount", "-t", "binfmt_misc", "binfmt_misc", BINFMT]);
  }
  const ours = `k3os-qemu-${target.qemu}`;
  if ([`qemu-${target.qemu}`, ours].some((name) => isUsable(`${BINFMT}/${name}`))) return;
  const file = `/usr/lib/binfmt.d/qemu-${target.qemu}.conf`;
  if (!existsSync(file)) throw new Error(`"${file}" is missing: is the package qemu-user-static installed?`);
  const prefix = `:qemu-${target.qemu}:`;
  const line = readFileSync(file, "utf8")
    .split("\n")
    .find((candidate) => candidate.startsWith(prefix));
  const fields = line?.split(":");
  if (fields === undefined) throw new Error(`"${file}" holds no line that starts with "${prefix}"`);
  writeFileSync(`${BINFMT}/register`, [":", ours, ":", ...fields.slice(2, -1).join(":"), ":PF"].join(""));
}

function isUsable(entry: string): boolean {
  if (!existsSync(entry)) return false;
  const text = readFileSync(entry, "utf8");
  const flags = /^flags: (\w*)/m.exec(text)?.[1] ?? "";
  return text.startsWith("enabled") && flags.includes("F") && flags.includes("P");
}
