import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cpioArchive } from "../../lib/make/image/cpio.ts";
import { type Machine, type MachineOptions, startMachine, VM_DIRECTORY } from "../../lib/make/vm/qemu.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { LABEL } from "../../lib/tools/host/paths.ts";
import { PROJECT } from "./sources.ts";

const ARTIFACTS = join(PROJECT, "dist/artifacts");
const INITRD = join(ARTIFACTS, "k3os-initrd-amd64");
const CONSOLE = "console=ttyS0,115200";

export interface StateDiskOptions {
  /** `/k3os/system/config.yaml`. */
  readonly config: string;
  /** An executable that stands for k3s, as the version `v0.0.0+test`. */
  readonly k3s?: string;
  /** As mkfs takes it; default `3G`, of which only what is written takes room. */
  readonly size?: string;
}

/** Makes a disk that is one state file system with the artifacts' system tree, and returns its path. Needs no root. */
export async function makeStateDisk(name: string, { config, k3s, size }: StateDiskOptions): Promise<string> {
  mkdirSync(VM_DIRECTORY, { recursive: true });
  const disk = join(VM_DIRECTORY, `${name}.img`);
  const tree = mkdtempSync(join(VM_DIRECTORY, `${name}-`));
  try {
    const tarball = join(ARTIFACTS, "k3os-rootfs-amd64.tar.gz");
    await runProgram(["tar", "-xzf", tarball, "--strip-components=1", "-C", tree]);
    writeFileSync(join(tree, "k3os/system/config.yaml"), config, { mode: 0o600 });
    if (k3s !== undefined) {
      const file = join(tree, "k3os/system/k3s/v0.0.0+test/k3s");
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, k3s, { mode: 0o755 });
      const current = join(tree, "k3os/system/k3s/current");
      rmSync(current, { force: true });
      symlinkSync("v0.0.0+test", current);
    }
    rmSync(disk, { force: true });
    await runProgram(["mkfs.ext4", "-q", "-F", "-L", LABEL.state, "-d", tree, disk, size ?? "3G"]);
    return disk;
  } finally {
    rmSync(tree, { recursive: true });
  }
}

/** Makes an empty file system on a whole disk, labelled as if a system was installed there. */
export async function makeLabelledDisk(file: string): Promise<string> {
  rmSync(file, { force: true });
  await runProgram(["mkfs.ext4", "-q", "-F", "-L", LABEL.state, file, "64M"]);
  return file;
}

/** The artifacts' initrd with an archive of files behind it, as `virt-install --initrd-inject` makes it. */
function injectFiles(files: Readonly<Record<string, string>>, name: string): string {
  const entries = Object.entries(files).map(([path, text]) => {
    return { kind: "file", path, mode: 0o644, content: Buffer.from(text) } as const;
  });
  const file = join(VM_DIRECTORY, name);
  writeFileSync(file, Buffer.concat([readFileSync(INITRD), cpioArchive(entries, 0)]));
  return file;
}

/** Starts the kernel and initrd of the artifacts, without any boot loader. */
export function bootKernel(
  options: Omit<MachineOptions, "kernel" | "memory"> & {
    readonly memory?: number;
    readonly words?: readonly string[];
    /** Files that are put into the root of the initrd, as text. */
    readonly injected?: Readonly<Record<string, string>>;
  },
): Promise<Machine> {
  const { words = [], memory = 1024, injected, ...rest } = options;
  const kernel = {
    image: join(ARTIFACTS, "k3os-vmlinuz-amd64"),
    initrd: injected === undefined ? INITRD : injectFiles(injected, `${rest.name}.initrd`),
    append: [CONSOLE, ...words].join(" "),
  };
  return startMachine({ ...rest, memory, kernel });
}
