import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cmd } from "../../tools/host/cmd.ts";
import type { Host } from "../../tools/host/host.ts";
import { hostTarget, type Target } from "../../tools/host/targets.ts";
import { CommandError } from "../../tools/text/errors.ts";
import { ensurePackages } from "./required-packages.ts";

const BINFMT = "/proc/sys/fs/binfmt_misc";

/**
 * Makes this kernel run a target's programs with qemu-user, also in a chroot without qemu: the kernel opens qemu at
 * registration (flag F), and passes on argv[0] (flag P). Needs root. Throws CommandError if this is not possible.
 * https://docs.kernel.org/admin-guide/binfmt-misc.html
 */
export async function enableForeignPrograms(
  target: Pick<Target, "arch" | "qemu">,
  host: Pick<Host, "run" | "log" | "clock">,
): Promise<void> {
  if (target.arch === hostTarget().arch) return;
  await ensurePackages(["qemu-user-static"], host);
  if (!existsSync(`${BINFMT}/register`)) {
    await host.run(cmd`mount -t binfmt_misc binfmt_misc ${BINFMT}`);
  }
  const ours = `k3os-qemu-${target.qemu}`;
  if ([`qemu-${target.qemu}`, ours].some((name) => isUsable(`${BINFMT}/${name}`))) return;
  if (process.getuid?.() !== 0) throw new CommandError("Having the kernel run programs by qemu needs root");
  const file = `/usr/lib/binfmt.d/qemu-${target.qemu}.conf`;
  if (!existsSync(file)) throw new CommandError(`"${file}" is missing from the package qemu-user-static`);
  const prefix = `:qemu-${target.qemu}:`;
  const line = readFileSync(file, "utf8")
    .split("\n")
    .find((candidate) => candidate.startsWith(prefix));
  const fields = line?.split(":");
  if (fields === undefined) throw new CommandError(`"${file}" holds no line that starts with "${prefix}"`);
  try {
    writeFileSync(`${BINFMT}/register`, [":", ours, ":", ...fields.slice(2, -1).join(":"), ":PF"].join(""));
  } catch (error) {
    if (!isUsable(`${BINFMT}/${ours}`)) throw error; // a parallel build may have just registered it
  }
}

function isUsable(entry: string): boolean {
  if (!existsSync(entry)) return false;
  const text = readFileSync(entry, "utf8");
  const flags = /^flags: (\w*)/m.exec(text)?.[1] ?? "";
  return text.startsWith("enabled") && flags.includes("F") && flags.includes("P");
}
