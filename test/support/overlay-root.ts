import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { linkTarget } from "../../lib/tools/fs/links.ts";
import { MIB } from "../../lib/tools/fs/size.ts";
import { walk } from "../../lib/tools/fs/walk.ts";
import { makeDisk, output } from "./disk.ts";
import { elfFile } from "./elf.ts";

/** The root file system of a board, mounted below a temporary directory. */
export interface OverlayRoot extends Disposable {
  readonly path: string;
  /** Everything in it but `/k3os` and `lost+found`: names, what links lead to, what files hold. */
  look(): string[];
  remount(access: "ro" | "rw"): void;
}

export interface OverlayRootOptions {
  /** `/sbin` is a link to `usr/sbin`, as on every Debian of the last years. Default true. */
  readonly merged?: boolean;
  /** ELF `e_machine` of its programs; default: amd64's. */
  readonly machine?: number;
  /** Names of the modules that its kernel has. */
  readonly modules?: readonly string[];
  /** MiB. */
  readonly size?: number;
}

const KERNEL = "6.1.0-board";
const CGROUPS = ["CGROUP_SCHED", "CPUSETS", "MEMCG", "CGROUP_PIDS", "SQUASHFS_ZLIB"];

/** Fills an empty directory with a root that has systemd and a kernel. */
export function fillOverlayRoot(
  path: string,
  {
    merged = true,
    machine = 62,
    modules = ["loop", "overlay", "squashfs"],
  }: Omit<OverlayRootOptions, "size"> = {},
): void {
  const put = (name: string, content: string | Buffer) => {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content, { mode: 0o755 });
  };
  put("usr/bin/sh", elfFile({ machine, segments: [] }));
  put("usr/lib/systemd/systemd", "systemd");
  put(`usr/lib/modules/${KERNEL}/modules.builtin`, "kernel/fs/ext4/ext4.ko\n");
  const listed = modules.map((name) => `kernel/${name}.ko.xz:\n`).join("");
  put(`usr/lib/modules/${KERNEL}/modules.dep`, listed);
  const config = [
    ...CGROUPS.map((name) => `${name}=y`),
    ..."SQUASHFS=m BLK_DEV_LOOP=m OVERLAY_FS=m".split(" "),
  ];
  put(`boot/config-${KERNEL}`, `${config.map((line) => `CONFIG_${line}`).join("\n")}\n`);
  for (const name of ["bin", "lib"]) symlinkSync(`usr/${name}`, join(path, name));
  mkdirSync(join(path, merged ? "usr/sbin" : "sbin"));
  if (merged) symlinkSync("usr/sbin", join(path, "sbin"));
  symlinkSync("/lib/systemd/systemd", join(path, "sbin/init"));
  writeFileSync(join(path, "sbin/kubectl"), "the user's own");
}

/** Makes such a root on a file system of its own. Needs root. */
export function makeOverlayRoot({ size = 1024, ...options }: OverlayRootOptions = {}): OverlayRoot {
  const disk = makeDisk(size * MIB);
  output(["mkfs.ext4", "-q", disk.path]);
  const path = mkdtempSync(join(tmpdir(), "k3os-overlay-"));
  output(["mount", disk.path, path]);
  fillOverlayRoot(path, options);
  return {
    path,
    look: () =>
      walk(path).flatMap(({ path: name, entry }) => {
        if (/^(k3os|lost\+found)(\/|$)/.test(name)) return [];
        if (entry.isDirectory()) return [`${name}/`];
        const target = linkTarget(join(path, name));
        return [
          target === undefined
            ? `${name} ${output(["sha256sum", join(path, name)]).slice(0, 64)}`
            : `${name} -> ${target}`,
        ];
      }),
    remount: (access) => output(["mount", "-o", `remount,${access}`, path]),
    [Symbol.dispose]: () => {
      output(["umount", path]);
      rmSync(path, { recursive: true });
      disk[Symbol.dispose]();
    },
  };
}
