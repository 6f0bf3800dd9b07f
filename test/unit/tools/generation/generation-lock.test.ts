import { expect, test } from "bun:test";
import { join } from "node:path";
import { lockUpgrade } from "../../../../lib/tools/generation/generation-lock.ts";
import { runProgram } from "../../../../lib/tools/host/host.ts";
import { testHost } from "../../../support/host.ts";

test("lockUpgrade() refuses while another upgrade runs, and lets the next one in after it", () => {
  using host = testHost();
  const path = join(host.root, "run/k3os/upgrade.lock");
  {
    using _lock = lockUpgrade(path);
    expect(() => lockUpgrade(path)).toThrow(
      `Another upgrade is running (process ${process.pid}): it holds the lock "${path}"`,
    );
  }
  using _next = lockUpgrade(path);
});

test("lockUpgrade() locks as flock(1) does, and is not held by programs that are started", async () => {
  using host = testHost();
  const path = join(host.root, "lock");
  const flock = () => runProgram(["flock", "--nonblock", path, "true"], { check: false });
  const { spawn } = await import("node:child_process");
  let child: ReturnType<typeof spawn>;
  {
    using _lock = lockUpgrade(path);
    child = spawn("sleep", ["60"]);
    expect((await flock()).code).toBe(1);
  }
  expect((await flock()).code).toBe(0);
  child.kill();
});

test("lockUpgrade() names a lock that cannot be opened", () => {
  using host = testHost({ files: { "/file": "" } });
  expect(() => lockUpgrade(`${host.root}/file/lock`)).toThrow(
    `Cannot open the lock "${host.root}/file/lock"`,
  );
});
