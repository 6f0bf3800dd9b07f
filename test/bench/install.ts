import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BuildContext } from "../../lib/make/build/context.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { makeDisk } from "../support/disk.ts";
import { byTurns, duration, type Figure, ratio } from "./figure.ts";

const TIMES = 3;

/** How much longer an installation takes than making a file system and copying the same files onto it. */
export async function benchInstall({ artifacts, host }: BuildContext): Promise<Figure[]> {
  const scratch = mkdtempSync(join(tmpdir(), "k3os-bench-"));
  const { arch } = hostTarget();
  const medium = join(scratch, "medium");
  const target = join(scratch, "target");
  try {
    for (const directory of [medium, target]) mkdirSync(directory);
    const tarball = join(artifacts, `k3os-rootfs-${arch}.tar.gz`);
    await host.run(["tar", "-xzf", tarball, "--strip-components=1", "-C", medium]);
    const install = async () => {
      using disk = makeDisk();
      const argv = [join(artifacts, `k3os-${arch}`), "install", "--yes", disk.path];
      return await duration(() => host.run(argv, { env: { ISO_DEVICE: medium } }));
    };
    const copy = async () => {
      using disk = makeDisk();
      return await duration(async () => {
        await host.run(["mkfs.ext4", "-q", "-F", disk.path]);
        await host.run(["mount", disk.path, target]);
        await host.run(["cp", "-a", join(medium, "k3os"), target]);
        await host.run(["sync"]);
        await host.run(["umount", target]);
      });
    };
    await host.run(["sync"]); // what was unpacked just now is nobody's to pay for
    return [ratio("installation", 1.3, await byTurns(TIMES, install, copy), "mkfs, cp -a and sync")];
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
