import { spawn } from "node:child_process";
import {
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { emptyEnvironment } from "../../lib/tools/disk/grubenv.ts";
import { GIB } from "../../lib/tools/fs/size.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { makeDisk, output } from "./disk.ts";
import { ARTIFACTS } from "./image.ts";
import { makeMedium } from "./medium.ts";

/** A root file system on a partition of a disk, which GRUB would start, and in which the real executable runs. */
export interface OldSystem extends Disposable {
  /** Where the root is mounted. */
  readonly root: string;
  /** The partition. */
  readonly device: string;
  /** Everything on the file system: names, types, permissions, times, contents (of `filler` none); no directories' times. */
  fingerprint(): string;
  /** Runs a command of the executable with this system as its root; `killAt` ends it at its nth message. */
  run(argv: readonly string[], options?: { readonly killAt?: number }): Promise<Outcome>;
}

export interface Outcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

const PLATFORM = "i386-pc";

/** Makes one with the programs of this machine, bound read-only; a medium lies at `/mnt/medium`. Needs root. */
export function makeOldSystem(): OldSystem {
  const disk = makeDisk(3 * GIB);
  output(["sfdisk", "--quiet", disk.path], "label: dos\nstart=1MiB, type=83, bootable\n");
  output(["partx", "--update", disk.path]);
  const device = `${disk.path}p1`;
  output(["mkfs.ext4", "-q", "-L", "old-root", device]);
  const root = mkdtempSync(join(tmpdir(), "k3os-old-"));
  output(["mount", device, root]);
  const at = (path: string) => join(root, path);
  for (const name of ["dev", "proc", "sys", "run", "tmp", "etc", "mnt", "usr", `boot/grub/${PLATFORM}`]) {
    mkdirSync(at(name), { recursive: true });
  }
  for (const name of ["bin", "sbin", "lib", "lib64"]) symlinkSync(readlinkSync(`/${name}`), at(name));
  writeFileSync(at("etc/motd"), "Welcome\n");
  writeFileSync(at("boot/grub/grub.cfg"), 'menuentry "Old" { true; }\n', { mode: 0o600 });
  writeFileSync(at("boot/grub/grubenv"), emptyEnvironment());
  for (const file of globSync(`/usr/lib/grub/${PLATFORM}/*.mod`)) {
    copyFileSync(file, at(`boot/grub/${PLATFORM}/${basename(file)}`));
  }
  const fingerprint = () => {
    output(["sync", "--file-system", root]);
    const files = `find ${root} -xdev \\( -type d -printf '%P %y %m %U %G\\n' -o -printf '%P %y %m %U %G %T@ %l\\n' \\)`;
    const contents = `find ${root} -xdev -type f ! -name filler -exec sha256sum {} +`;
    return output(["sh", "-c", `(${files}; ${contents}) | sort`]);
  };
  // whatever a test asks for, this machine must not restart
  mkdirSync(at("mnt/bin"));
  for (const name of ["reboot", "poweroff"]) {
    writeFileSync(at(`mnt/bin/${name}`), "#!/bin/sh\necho restarting\n", { mode: 0o755 });
  }
  mkdirSync(at("mnt/medium"));
  mkdirSync(at("mnt/artifacts"));
  const binds = [
    ...["/dev", "/proc", "/sys", "/usr"].map((path) => [path, at(path)]),
    [ARTIFACTS, at("mnt/artifacts")],
  ];
  for (const [from = "", to = ""] of binds) output(["mount", "--bind", from, to]);
  for (const path of ["run", "tmp", "mnt/medium"]) output(["mount", "-t", "tmpfs", "tmpfs", at(path)]);
  makeMedium(at("mnt/medium"));
  return {
    root,
    device,
    fingerprint,
    run: (argv, options) => runInside(root, argv, options),
    [Symbol.dispose]: () => {
      output(["umount", "--recursive", root]);
      rmSync(root, { recursive: true });
      disk[Symbol.dispose]();
    },
  };
}

async function runInside(
  root: string,
  argv: readonly string[],
  { killAt }: { readonly killAt?: number } = {},
): Promise<Outcome> {
  const program = `/mnt/artifacts/k3os-${hostTarget().arch}`;
  const child = spawn("chroot", [root, program, ...argv], {
    env: { PATH: `/mnt/bin:${process.env.PATH}`, ISO_DEVICE: "/mnt/medium" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk;
  });
  const ended = new Promise<Pick<Outcome, "status" | "signal">>((resolve) => {
    child.once("close", (status, signal) => resolve({ status, signal }));
  });
  const lines: string[] = [];
  let messages = 0;
  for await (const line of createInterface({ input: child.stderr })) {
    lines.push(line);
    if (line.endsWith("…") && ++messages === killAt) child.kill("SIGKILL");
  }
  return { ...(await ended), stdout, stderr: lines.join("\n") };
}
