import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasProgram, missingMessage, withLocalNames } from "../../../lib/install/programs.ts";
import type { Host } from "../../../lib/tools/host/host.ts";
import { testHost } from "../../support/host.ts";

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "k3os-programs-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** A PATH with just these programs. */
function path(...names: string[]): { PATH: string } {
  const bin = mkdtempSync(join(directory, "bin-"));
  mkdirSync(bin, { recursive: true });
  for (const name of names) writeFileSync(join(bin, name), "", { mode: 0o755 });
  return { PATH: bin };
}

describe("missingMessage()", () => {
  test.each([
    ["apt-get", "apt-get install mtools fdisk grub-pc-bin"],
    ["dnf", "dnf install mtools util-linux grub2-pc-modules"],
    ["zypper", "zypper install mtools util-linux grub2-i386-pc"],
    ["apk", "apk add mtools sfdisk grub-bios"],
    ["pacman", "pacman -S mtools util-linux grub"],
  ])("names the packages for %s, each once", (manager, line) => {
    expect(missingMessage("Missing", ["mcopy", "mmd", "sfdisk", "i386-pc"], path(manager))).toBe(
      `Missing: mcopy, mmd, sfdisk, i386-pc (to install them: ${line})`,
    );
  });

  test("names only the programs where there is no package manager", () => {
    expect(missingMessage("Missing", ["lsblk"], path())).toBe("Missing: lsblk");
  });
});

describe("a program with another name", () => {
  test("counts as there, and is run by it", async () => {
    const env = path("grub2-mkimage");
    expect(hasProgram("grub-mkimage", env)).toBe(true);
    expect(hasProgram("grub-editenv", env)).toBe(false);
    using host = testHost({ env });
    await withLocalNames(host).run(["grub-mkimage", "-x"]);
    await withLocalNames(host).run(["lsblk"]);
    expect(host.programs.map(({ argv }) => argv)).toEqual([["grub2-mkimage", "-x"], ["lsblk"]]);
  });

  test("is looked for where administrators' programs are, too", async () => {
    const run: Host["run"] = async (_, options) => ({
      code: 0,
      stdout: options?.env?.PATH ?? "",
      stderr: "",
    });
    const host = withLocalNames({ run, env: { PATH: "/usr/bin:/sbin" } });
    expect(host.env.PATH).toBe("/usr/bin:/sbin:/usr/local/sbin:/usr/sbin");
    expect((await host.run(["lsblk"])).stdout).toBe(host.env.PATH ?? "");
  });

  test("is run by its usual name where it has that", async () => {
    using host = testHost({ env: path("grub-mkimage", "grub2-mkimage") });
    await withLocalNames(host).run(["grub-mkimage"]);
    expect(host.programs[0]?.argv).toEqual(["grub-mkimage"]);
  });
});
