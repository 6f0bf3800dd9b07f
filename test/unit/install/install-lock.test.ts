import { expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lockInstaller } from "../../../lib/install/install-lock.ts";
import { testHost } from "../../support/host.ts";

const DIRECTORY = "run/k3os/install";

test("lockInstaller() refuses while another installation runs, and lets the next one in after it", async () => {
  using host = testHost();
  const path = join(host.root, DIRECTORY, "pid");
  mkdirSync(join(host.root, DIRECTORY), { recursive: true });
  writeFileSync(path, "1\n");
  await expect(lockInstaller(host)).rejects.toThrow("Another installation is running (process 1)");
  writeFileSync(path, "");
  {
    await using _lock = await lockInstaller(host);
    expect(existsSync(path)).toBe(true);
  }
  expect(existsSync(path)).toBe(false);
});
