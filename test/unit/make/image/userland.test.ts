import { describe, expect, test } from "bun:test";
import { userlandPackages } from "../../../../lib/make/image/debian-packages.ts";
import { osRelease } from "../../../../lib/make/image/os-release.ts";
import { packageManifest } from "../../../../lib/make/image/userland.ts";
import { TARGETS } from "../../../../lib/tools/host/targets.ts";

describe("packageManifest()", () => {
  test("lists names and versions, sorted", () => {
    const status =
      "Package: zlib1g\nStatus: install ok installed\nVersion: 1:1.3\n\nPackage: bash\nVersion: 5.2-1\n";
    expect(packageManifest(status)).toBe("bash 5.2-1\nzlib1g 1:1.3\n");
  });
});

describe("osRelease()", () => {
  test("tells the installer where the medium of this version is", () => {
    const lines = osRelease("v0.30.0", "arm64").split("\n");
    expect(lines).toContain("ID=k3os");
    expect(lines).toContain('VERSION_ID="v0.30.0"');
    expect(lines).toContain(
      'ISO_URL="https://github.com/k3os/k3os/releases/download/v0.30.0/k3os-arm64.iso"',
    );
  });
});

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
