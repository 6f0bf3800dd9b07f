import { describe, expect, test } from "bun:test";
import { userlandPackages } from "../../../../lib/make/image/debian-packages.ts";
import { TARGETS } from "../../../../lib/tools/host/targets.ts";

describe("userlandPackages()", () => {
  test("are single names, each once, on every architecture", () => {
    for (const { arch } of TARGETS) {
      const names = userlandPackages(arch);
      expect(names.filter((name) => !/^[a-z0-9][a-z0-9+.-]+$/.test(name))).toEqual([]);
      expect(names.length).toBe(new Set(names).size);
    }
  });

  test("hold the boot loader of every platform that the ISO starts by", () => {
    const packageOf: Record<string, string> = {
      "i386-pc": "grub-pc-bin",
      "x86_64-efi": "grub-efi-amd64-bin",
      "arm64-efi": "grub-efi-arm64-bin",
    };
    for (const { arch, grub } of TARGETS) {
      for (const platform of grub) expect(userlandPackages(arch)).toContain(packageOf[platform] ?? platform);
    }
  });
});
