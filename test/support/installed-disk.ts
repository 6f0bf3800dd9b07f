import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "../../lib/tools/host/host.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { makeDisk } from "./disk.ts";
import { ARTIFACTS } from "./image.ts";

export interface InstalledDiskOptions {
  /** Text of the configuration; default: none. */
  readonly config?: string;
  /** Default `ttyS0,115200`. */
  readonly tty?: string;
  /** Changes the tree of the medium before it is installed. */
  readonly prepare?: (medium: string) => void;
}

/** Makes a disk as the installer makes it, for a BIOS, from the artifacts' system tree, as the file `file`. Needs root. */
export async function makeInstalledDisk(
  file: string,
  { config, tty = "ttyS0,115200", prepare }: InstalledDiskOptions = {},
): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), "k3os-installed-"));
  const { arch } = hostTarget();
  try {
    const medium = join(scratch, "medium");
    const tarball = join(ARTIFACTS, `k3os-rootfs-${arch}.tar.gz`);
    await runProgram(["mkdir", medium]);
    await runProgram(["tar", "-xzf", tarball, "--strip-components=1", "-C", medium]);
    prepare?.(medium);
    const options = ["--yes", "--tty", tty];
    if (config !== undefined) {
      writeFileSync(join(scratch, "config.yaml"), config);
      options.push("--config", join(scratch, "config.yaml"));
    }
    using disk = makeDisk();
    await runProgram([join(ARTIFACTS, `k3os-${arch}`), "install", ...options, disk.path], {
      env: { ISO_DEVICE: medium },
    });
    await runProgram(["cp", "--sparse=always", disk.file, file]);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
