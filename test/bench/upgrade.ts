import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BuildContext } from "../../lib/make/build/context.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { PUBLIC_KEY_NAME } from "../../lib/tools/release/release-list.ts";
import { CommandError } from "../../lib/tools/text/errors.ts";
import { startMeasured } from "../support/measured.ts";
import { type ServedDirectory, serveDirectory } from "../support/served-directory.ts";
import { byTurns, duration, type Figure, ratio } from "./figure.ts";

const TIMES = 3;
const MAX_MEMORY = 125.8; // 120 MiB

/**
 * How much longer `k3os upgrade-rootfs` takes than the pipe that the original's script was, and sync, for the same tarball
 * from a server on this machine; and the most memory that it had.
 */
export async function benchUpgrade({ artifacts, host }: BuildContext): Promise<Figure[]> {
  const scratch = mkdtempSync(join(tmpdir(), "k3os-bench-"));
  const { arch } = hostTarget();
  const key = readFileSync(join(artifacts, PUBLIC_KEY_NAME), "utf8").trim().split("\n").at(-1) ?? "";
  await using server: ServedDirectory = await serveDirectory(artifacts);
  let peak = 0;
  const upgrade = async () => {
    const system = join(scratch, "system");
    mkdirSync(join(system, "k3os/v0.0.1"), { recursive: true });
    symlinkSync("v0.0.1", join(system, "k3os/current"));
    const options = ["--system", system, "--lock-file", join(scratch, "lock"), "--key", key];
    const argv = [join(artifacts, `k3os-${arch}`), "upgrade-rootfs", ...options];
    const time = await duration(async () => {
      const { status, memory } = await startMeasured(argv, { K3OS_RELEASE_URL: server.url });
      if (status !== 0) throw new CommandError(`The upgrade ended with status ${status}`);
      peak = Math.max(peak, memory);
    });
    rmSync(system, { recursive: true });
    return time;
  };
  const pipe = async () => {
    const target = join(scratch, "target");
    mkdirSync(target);
    const script = `curl -sfL "$1/k3os-rootfs-${arch}.tar.gz" | tar xz -C "$2" && sync`;
    const time = await duration(() => host.run(["sh", "-c", script, "sh", server.url, target]));
    rmSync(target, { recursive: true });
    return time;
  };
  try {
    await host.run(["sync"]); // what was written just now is nobody's to pay for
    const times = await byTurns(TIMES, upgrade, pipe);
    return [
      ratio("upgrade", 1.15, times, "curl | tar xz and sync"),
      {
        name: "upgrade, memory",
        value: peak / 1e6,
        unit: "MB",
        aim: MAX_MEMORY,
        detail: `most of ${TIMES} (VmHWM)`,
      },
    ];
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
