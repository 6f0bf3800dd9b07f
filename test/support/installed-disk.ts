import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "../../lib/tools/host/host.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { makeDisk } from "./disk.ts";
import { ARTIFACTS } from "./image.ts";

/** What a disk is installed from. */
export interface ReleaseFiles {
  /** The executable of k3OS. */
  readonly executable: string;
  /** `k3os-rootfs-ARCH.tar.gz` */
  readonly tarball: string;
}

export interface InstalledDiskOptions {
  /** Default: the artifacts. */
  readonly release?: ReleaseFiles;
  /** Text of the configuration; default: none. */
  readonly config?: string;
  /** Default `ttyS0,115200`. */
  readonly tty?: string;
  /** Changes the tree of the medium before it is installed. */
  readonly prepare?: (medium: string) => void;
}

const { arch } = hostTarget();

const BUILT: ReleaseFiles = {
  executable: join(ARTIFACTS, `k3os-${arch}`),
  tarball: join(ARTIFACTS, `k3os-rootfs-${arch}.tar.gz`),
};

/** Makes a disk as the installer makes it, for a BIOS, from a release's system tree, as the file `file`. Needs root. */
export async function makeInstalledDisk(
  file: string,
  { config, tty = "ttyS0,115200", prepare, release = BUILT }: InstalledDiskOptions = {},
): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), "k3os-installed-"));
  try {
    const medium = join(scratch, "medium");
    await runProgram(["mkdir", medium]);
    await runProgram(["tar", "-xzf", release.tarball, "--strip-components=1", "-C", medium]);
    prepare?.(medium);
    const options = ["--yes", "--tty", tty];
    if (config !== undefined) {
      writeFileSync(join(scratch, "config.yaml"), config);
      options.push("--config", join(scratch, "config.yaml"));
    }
    using disk = makeDisk();
    await runProgram([release.executable, "install", ...options, disk.path], {
      env: { ISO_DEVICE: medium },
    });
    await runProgram(["cp", "--sparse=always", disk.file, file]);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
