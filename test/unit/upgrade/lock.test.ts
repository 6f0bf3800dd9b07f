import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { lockUpgrade } from "../../../lib/upgrade/lock.ts";
import { testHost } from "../../support/host.ts";

test("lockUpgrade() holds off others, the flock program among them, until its scope ends", () => {
  using host = testHost();
  const path = join(host.root, "run/k3os/upgrade.lock");
  const flock = () => spawnSync("flock", ["--nonblock", path, "true"]).status;
  {
    using _lock = lockUpgrade(path);
    expect(() => lockUpgrade(path)).toThrow(`Another upgrade is running: it holds the lock "${path}"`);
    expect(flock()).toBe(1);
  }
  expect(flock()).toBe(0);
  lockUpgrade(path)[Symbol.dispose]();
});

test("lockUpgrade() names a lock that it cannot open", () => {
  expect(() => lockUpgrade("/proc/none/lock")).toThrow('Cannot open the lock "/proc/none/lock"');
});
