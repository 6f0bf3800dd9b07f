import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { APT_PACKAGES, APT_VARIABLES, openAptRoot, unpackPackages } from "../../lib/make/build/apt.ts";
import type { Made, Step, StepContext } from "../../lib/make/build/build-step.ts";
import type { BuildContext } from "../../lib/make/build/context.ts";
import { BUSYBOX_APPLETS } from "../../lib/make/image/busybox.ts";
import { type CpioEntry, cpioArchive, parentDirectories } from "../../lib/make/image/cpio.ts";
import { SUITE } from "../../lib/make/image/debian-packages.ts";
import { kernelImage } from "../../lib/make/image/kernel.ts";
import { parseModulesDep, selectModules } from "../../lib/make/image/module-selection.ts";
import { type Target, targetOf } from "../../lib/tools/host/targets.ts";

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

const kernelStep: Step<Pick<Target, "debian"> & { readonly package: string }> = {
  module: import.meta.filename,
  packages: () => [...APT_PACKAGES, "kmod", "xz-utils"],
  variables: APT_VARIABLES,
  shared: true,
  make: async ({ debian, package: metapackage }, into, context) => {
    const { host } = context;
    const packed = join(into, "packages");
    {
      await using apt = await openAptRoot({ suite: SUITE, arch: debian }, host);
      const image = await kernelImage(metapackage, apt.env, host);
      const debs = await apt.download([image, "busybox-static"], { dependencies: false });
      await unpackPackages(debs, packed, host);
    }
    const modules =
      ["lib/modules", "usr/lib/modules"].map((name) => join(packed, name)).find(existsSync) ?? "";
    const [version = ""] = readdirSync(modules);
    const base = join(into, "depmod");
    mkdirSync(join(base, "lib"), { recursive: true });
    renameSync(modules, join(base, "lib/modules"));
    await host.run(["depmod", "--basedir", base, version]);
    copyFileSync(join(packed, "boot", `vmlinuz-${version}`), join(into, "vmlinuz"));
    writeFileSync(join(into, "initrd"), await boardInitrd({ packed, base, version }, context));
    renameSync(join(base, "lib/modules"), join(into, "modules"));
    for (const path of [packed, base]) rmSync(path, { recursive: true });
  },
};

/** The directory with `vmlinuz`, `initrd` and `modules/VERSION` of a board's kernel. */
export function boardKernel(arch: keyof typeof KERNELS, { make }: Pick<BuildContext, "make">): Promise<Made> {
  const input = { debian: targetOf(arch).debian, package: KERNELS[arch] };
  return make(kernelStep, { name: `test-board-kernel-${arch}`, input });
}

async function boardInitrd(
  { packed, base, version }: { packed: string; base: string; version: string },
  { host }: StepContext,
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
