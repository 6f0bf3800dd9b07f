import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { openAptRoot, unpackPackages } from "../../lib/make/build/apt.ts";
import { type BuildContext, cached } from "../../lib/make/build/context.ts";
import { BUSYBOX_APPLETS } from "../../lib/make/image/busybox.ts";
import { type CpioEntry, cpioArchive, parentDirectories } from "../../lib/make/image/cpio.ts";
import { SUITE } from "../../lib/make/image/debian-packages.ts";
import { kernelImage } from "../../lib/make/image/kernel.ts";
import { parseModulesDep, selectModules } from "../../lib/make/image/module-selection.ts";
import { installUserland } from "../../lib/make/image/userland.ts";
import type { MachineOptions } from "../../lib/make/vm/qemu.ts";
import { boardOf } from "../../lib/make/vm/qemu-board.ts";
import { GIB } from "../../lib/tools/fs/size.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { type Arch, targetOf } from "../../lib/tools/host/targets.ts";
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

/** Debian's kernels that start such a board, and are none that we bring. */
const KERNELS = { arm64: "linux-image-cloud-arm64", arm: "linux-image-armmp" } as const;

/** What the board's own initrd loads: how it reaches its card. */
const MODULES = ["virtio_blk", "virtio_pci", "virtio_mmio", "ext4", "crc32c_generic", "crc32c_arm64"];

/** Starts Debian as its own initrd does: the root read-only, until the system itself makes it writable. */
const INIT = `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for module in $(cat /modules); do insmod /$module; done
until [ -e /dev/vda1 ]; do sleep 0.1; done
mount -o ro /dev/vda1 /root
for name in proc sys dev; do mount --move /$name /root/$name; done
exec switch_root /root /sbin/init "$@"
`;

/**
 * Makes the card of a board, the file `file`: the Debian that our userland is made from, as its packages leave it, with
 * Debian's kernel and an initrd that is not ours. Needs root.
 */
export async function makeSingleBoard(
  file: string,
  { arch, publicKey, merged = true, prepare }: SingleBoardOptions,
  context: BuildContext,
): Promise<SingleBoard> {
  const kernel = await boardKernel(arch, context);
  const [release = ""] = readdirSync(join(kernel, "modules"));
  const tree = await installUserland(targetOf(arch), context);
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

/** The directory with `vmlinuz`, `initrd` and `modules/VERSION` of a board's kernel. */
async function boardKernel(arch: SingleBoardOptions["arch"], context: BuildContext): Promise<string> {
  const inputs = [SUITE, KERNELS[arch], INIT, ...MODULES];
  return await cached(
    { name: `test-board-kernel-${arch}`, inputs },
    async (into) => {
      const packed = join(into, "packages");
      {
        await using apt = await openAptRoot({ suite: SUITE, arch: targetOf(arch).debian }, context.host);
        const image = await kernelImage(KERNELS[arch], apt.env, context.host);
        const debs = await apt.download([image, "busybox-static"], { dependencies: false });
        await unpackPackages(debs, packed, context.host);
      }
      const modules =
        ["lib/modules", "usr/lib/modules"].map((name) => join(packed, name)).find(existsSync) ?? "";
      const [version = ""] = readdirSync(modules);
      const base = join(into, "depmod");
      mkdirSync(join(base, "lib"), { recursive: true });
      renameSync(modules, join(base, "lib/modules"));
      await context.host.run(["depmod", "--basedir", base, version]);
      copyFileSync(join(packed, "boot", `vmlinuz-${version}`), join(into, "vmlinuz"));
      writeFileSync(join(into, "initrd"), await boardInitrd({ packed, base, version }, context));
      renameSync(join(base, "lib/modules"), join(into, "modules"));
      for (const path of [packed, base]) rmSync(path, { recursive: true });
    },
    context,
  );
}

async function boardInitrd(
  { packed, base, version }: { packed: string; base: string; version: string },
  { host }: Pick<BuildContext, "host">,
): Promise<Uint8Array> {
  const directory = join(base, "lib/modules", version);
  const dependencies = parseModulesDep(readFileSync(join(directory, "modules.dep"), "utf8"));
  const selected = selectModules(dependencies, MODULES);
  const files: CpioEntry[] = [];
  for (const module of selected) {
    const copy = join(packed, basename(module));
    copyFileSync(join(directory, module), copy);
    if (copy.endsWith(".xz")) await host.run(["xz", "--decompress", copy]);
    const plain = copy.replace(/\.xz$/, "");
    files.push({ kind: "file", path: basename(plain), content: readFileSync(plain) });
  }
  const names = inLoadingOrder(selected, dependencies).map((path) => basename(path).replace(/\.xz$/, ""));
  const links = BUSYBOX_APPLETS.map((path): CpioEntry => ({ kind: "link", path, target: "/bin/busybox" }));
  const busybox = ["bin/busybox", "usr/bin/busybox"].map((path) => join(packed, path)).find(existsSync) ?? "";
  return cpioArchive(
    [
      ...parentDirectories(["bin/busybox", "sbin/x", "proc/x", "sys/x", "dev/x", "root/x"]),
      { kind: "character", path: "dev/console", major: 5, minor: 1 },
      { kind: "file", path: "bin/busybox", mode: 0o755, content: readFileSync(busybox) },
      { kind: "file", path: "init", mode: 0o755, content: Buffer.from(INIT) },
      { kind: "file", path: "modules", content: Buffer.from(names.join("\n")) },
      ...links,
      ...files,
    ],
    0,
  );
}

/** What a module needs comes before it. */
function inLoadingOrder(
  modules: readonly string[],
  dependencies: ReadonlyMap<string, readonly string[]>,
): string[] {
  const done = new Set<string>();
  const visit = (module: string) => {
    for (const needed of dependencies.get(module) ?? []) visit(needed);
    done.add(module);
  };
  for (const module of modules) visit(module);
  return [...done];
}
