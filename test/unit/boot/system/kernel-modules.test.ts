import { afterAll, describe, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { linkKernelConfig } from "../../../../lib/boot/system/kernel-modules.ts";

const scratch = mkdtempSync(join(tmpdir(), "k3os-kernel-config-"));
afterAll(() => rmSync(scratch, { recursive: true }));

/** A root with modules of some kernels, each with its configuration. */
function makeRoot(name: string, ...kernels: readonly string[]): string {
  const root = join(scratch, name);
  mkdirSync(join(root, "boot/grub"), { recursive: true });
  for (const kernel of kernels) {
    mkdirSync(join(root, "usr/lib/modules", kernel), { recursive: true });
    writeFileSync(join(root, "usr/lib/modules", kernel, "config"), "CONFIG_VXLAN=m\n");
  }
  return root;
}

describe("linkKernelConfig()", () => {
  test("shows the configuration where others look for it, once", () => {
    const root = makeRoot("first", "6.12.1");
    linkKernelConfig(root, "6.12.1");
    linkKernelConfig(root, "6.12.1");
    expect(readlinkSync(join(root, "boot/config-6.12.1"))).toBe("/usr/lib/modules/6.12.1/config");
  });

  test("removes its links of other kernels, and nothing else", () => {
    const root = makeRoot("second", "6.12.2");
    symlinkSync("/usr/lib/modules/6.12.1/config", join(root, "boot/config-6.12.1"));
    symlinkSync("elsewhere", join(root, "boot/config-6.12.0"));
    writeFileSync(join(root, "boot/config-5.10.0"), "of the system before\n");
    linkKernelConfig(root, "6.12.2");
    expect(readdirSync(join(root, "boot")).sort()).toEqual([
      "config-5.10.0",
      "config-6.12.0",
      "config-6.12.2",
      "grub",
    ]);
  });

  test("makes no link to what is not there", () => {
    const root = makeRoot("third");
    linkKernelConfig(root, "6.12.3");
    expect(readdirSync(join(root, "boot"))).toEqual(["grub"]);
  });
});
