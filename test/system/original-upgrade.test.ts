import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readGenerations } from "../../lib/tools/generation/generation-facts.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { describeRollback, planRollback } from "../../lib/upgrade/rollback-plan.ts";
import { ARTIFACTS } from "../support/image.ts";

const OLD = { k3os: "v0.21.1-k3s1r0", kernel: "5.4.0-73-generic" };

test("our tarball takes the original's upgrade command, and its version can come back", async () => {
  const system = mkdtempSync(join(tmpdir(), "k3os-original-"));
  try {
    for (const [component, version] of Object.entries(OLD)) {
      mkdirSync(join(system, component, version), { recursive: true });
      writeFileSync(join(system, component, version, "file"), version);
      symlinkSync(version, join(system, component, "current"));
    }
    const tarball = join(ARTIFACTS, `k3os-rootfs-${hostTarget().arch}.tar.gz`);
    // what the original's k3os-upgrade-rootfs does with what curl brings, links replaced in place
    await runProgram(["sh", "-c", `cat ${tarball} | tar --strip-components=3 -xzf - -C ${system}`]);
    const version = readlinkSync(join(system, "k3os/current"));
    expect(version).not.toBe(OLD.k3os);
    const program = join(system, "k3os/current/k3os");
    expect((await runProgram([program, "--version"])).stdout).toBe(`k3os version ${version}\n`);
    const kernel = readlinkSync(join(system, "kernel/current"));
    expect(describeRollback(planRollback(readGenerations(system)))).toEqual([
      `k3os ${version} → ${OLD.k3os}`,
      `kernel ${kernel} → ${OLD.kernel}`,
    ]);
  } finally {
    rmSync(system, { recursive: true });
  }
}, 120_000);
