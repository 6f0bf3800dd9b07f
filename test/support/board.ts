import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BuildContext } from "../../lib/make/build/context.ts";
import { installUserland } from "../../lib/make/image/userland.ts";
import type { MachineOptions } from "../../lib/make/vm/qemu.ts";
import { boardOf } from "../../lib/make/vm/qemu-board.ts";
import { GIB } from "../../lib/tools/fs/size.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { type Arch, targetOf } from "../../lib/tools/host/targets.ts";
import { boardKernel } from "./board-kernel.ts";
import { makeDisk, output } from "./disk.ts";

/** A single-board computer with a working Debian: what its own boot loader starts, and its card. */
export interface SingleBoard extends Pick<MachineOptions, "arch" | "disks" | "kernel"> {
  /** `uname -r` of its kernel. */
  readonly release: string;
}

export interface SingleBoardOptions {
  readonly arch: Exclude<Arch, "amd64">;
  /** Of root. */
  readonly publicKey: string;
  /** `/sbin` is a link to `usr/sbin`, as Debian has it. Default true. */
  readonly merged?: boolean;
  /** Changes the root before it is a card's. */
  readonly prepare?: (root: string, release: string) => Promise<void>;
}

/**
 * Makes the card of a board, the file `file`: the Debian that our userland is made from, as its packages leave it, with
 * Debian's kernel and an initrd that is not ours. Needs root.
 */
export async function makeSingleBoard(
  file: string,
  { arch, publicKey, merged = true, prepare }: SingleBoardOptions,
  context: BuildContext,
): Promise<SingleBoard> {
  const { path: kernel } = await boardKernel(arch, context);
  const [release = ""] = readdirSync(join(kernel, "modules"));
  const { path: tree } = await installUserland(targetOf(arch), context);
  using disk = makeDisk(4 * GIB);
  output(["sfdisk", "--quiet", disk.path], "label: gpt\n1: type=linux\n");
  output(["partx", "--update", disk.path]);
  output(["mkfs.ext4", "-q", `${disk.path}p1`]);
  const root = mkdtempSync(join(tmpdir(), "k3os-board-"));
  output(["mount", `${disk.path}p1`, root]);
  try {
    await runProgram(["cp", "-a", `${tree}/.`, root]);
    await runProgram(["cp", "-a", join(kernel, "modules"), join(root, "usr/lib/modules")]);
    configure(root, publicKey);
    if (!merged) unmergeSbin(root);
    await prepare?.(root, release);
  } finally {
    output(["umount", root]);
    rmSync(root, { recursive: true });
  }
  await runProgram(["cp", "--sparse=always", disk.file, file]);
  const append = `root=/dev/vda1 ro quiet printk.devkmsg=on console=${boardOf(arch).console}`;
  return {
    arch,
    disks: [file],
    kernel: { image: join(kernel, "vmlinuz"), initrd: join(kernel, "initrd"), append },
    release,
  };
}

/** What a server's packages start and a board does without; on an emulated processor all of it together takes minutes. */
const IDLE_UNITS = [
  ..."blk-availability connman-wait-online e2scrub_reap irqbalance lm-sensors lvm2-monitor multipathd".split(
    " ",
  ),
  ..."nfs-blkmap open-iscsi rpcbind smartmontools systemd-hwdb-update ldconfig".split(" "),
].map((name) => `${name}.service`);
const IDLE_SOCKETS = ["dm-event", "iscsid", "lvm2-lvmpolld", "multipathd", "rpcbind"].map(
  (name) => `${name}.socket`,
);

function configure(root: string, publicKey: string): void {
  for (const unit of [...IDLE_UNITS, ...IDLE_SOCKETS, "nfs-client.target"]) {
    const path = join(root, "etc/systemd/system", unit);
    rmSync(path, { force: true });
    symlinkSync("/dev/null", path);
  }
  writeFileSync(join(root, "etc/fstab"), "/dev/vda1 / ext4 defaults 0 1\n");
  writeFileSync(join(root, "etc/hostname"), "board\n");
  mkdirSync(join(root, "root/.ssh"), { mode: 0o700, recursive: true });
  writeFileSync(join(root, "root/.ssh/authorized_keys"), `${publicKey}\n`, { mode: 0o600 });
}

/** Makes `/sbin` what it was before the merge: a directory of its own. */
function unmergeSbin(root: string): void {
  rmSync(join(root, "sbin"));
  mkdirSync(join(root, "sbin"));
  for (const name of readdirSync(join(root, "usr/sbin"))) {
    const path = join(root, "usr/sbin", name);
    if (name !== "init") symlinkSync(`../usr/sbin/${name}`, join(root, "sbin", name));
    else if (lstatSync(path).isSymbolicLink()) renameSync(path, join(root, "sbin/init"));
  }
}
