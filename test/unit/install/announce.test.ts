import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { announced } from "../../../lib/install/announce.ts";
import { CommandError } from "../../../lib/tools/text/errors.ts";
import { testHost } from "../../support/host.ts";

const INSTALL = {
  "/run/k3os/mode": "install\n",
  "/dev/kmsg": "",
  "/proc/sys/kernel/printk": "7\t4\t1\t7\n",
};
const kernelLog = (host: { root: string }) => readFileSync(join(host.root, "dev/kmsg"), "utf8");

describe("announced()", () => {
  test("shows steps and the failure on every console when a machine installs itself", async () => {
    using host = testHost({ files: INSTALL });
    const failing = announced({ silent: true }, host, async ({ log }) => {
      log.info("Partitioning /dev/vda …");
      throw new CommandError("Too small", { hint: "take another" });
    });
    await expect(failing).rejects.toThrow("Too small");
    expect(kernelLog(host)).toBe(
      "<5>k3os: Partitioning /dev/vda …\n<5>k3os: Error: Too small\n<5>k3os: Hint: take another\n",
    );
  });

  test.each([
    ["4\t4\t1\t7\n", 3], // the README's sample
    ["6 4 1 7", 5],
    ["1 1 1 1", 0],
  ])("is shown where the consoles show less: kernel.printk %p", async (printk, level) => {
    using host = testHost({ files: { ...INSTALL, "/proc/sys/kernel/printk": printk } });
    await announced({ silent: true }, host, async ({ log }) => log.info("Copying"));
    expect(kernelLog(host)).toBe(`<${level}>k3os: Copying\n`);
  });

  test("leaves the terminal to somebody who is asked, or who called the installer", async () => {
    using asked = testHost({ files: INSTALL });
    await announced({ silent: false }, asked, async ({ log }) => log.info("Copying"));
    using called = testHost({ files: { ...INSTALL, "/run/k3os/mode": "live\n" } });
    await announced({ silent: true }, called, async ({ log }) => log.info("Copying"));
    expect([asked.logged, kernelLog(asked), called.logged, kernelLog(called)]).toEqual([
      ["Copying"],
      "",
      ["Copying"],
      "",
    ]);
  });
});
