import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runProgram } from "../../../../lib/tools/host/host.ts";
import { hostTarget, targetOf } from "../../../../lib/tools/host/targets.ts";
import { checkK3s, checkK3sFile, readK3sVersion } from "../../../../lib/tools/release/k3s-program.ts";
import { testHost } from "../../../support/host.ts";
import { k3sProgram } from "../../../support/k3s-program.ts";

const VERSION = "v1.36.3+k3s1";
const AMD64 = targetOf("amd64");
const ARM64 = targetOf("arm64");
/** The programs of this test are for amd64. */
const runs = test.skipIf(hostTarget().arch !== "amd64");

/** What the check says of a file with this content; "" if it passes. */
function complaint(content: string | Buffer, target = AMD64): string {
  using host = testHost();
  const file = join(host.root, "k3s");
  writeFileSync(file, content);
  try {
    checkK3sFile(file, target);
    return "";
  } catch (error) {
    return (error as Error).message.replace(host.root, "");
  }
}

/** The version that a program prints, or the error. */
async function versionIn(content: Buffer, mode = 0o755): Promise<string> {
  using host = testHost();
  const file = join(host.root, "k3s");
  writeFileSync(file, content);
  chmodSync(file, mode);
  try {
    return await readK3sVersion(file, AMD64, { run: runProgram });
  } catch (error) {
    return (error as Error).message.replaceAll(host.root, "");
  }
}

describe("checkK3sFile()", () => {
  test("accepts a program for the architecture", () => {
    expect(complaint(k3sProgram(VERSION))).toBe("");
    expect(complaint(k3sProgram(VERSION, { arch: "arm64" }), ARM64)).toBe("");
  });

  test("refuses one for another architecture, and names that", () => {
    expect(complaint(k3sProgram(VERSION), ARM64)).toBe('"/k3s" cannot be the k3s for arm64: it is for amd64');
    expect(complaint(k3sProgram(VERSION, { arch: "arm64" }))).toEndWith("for amd64: it is for arm64");
    const strange = k3sProgram(VERSION);
    strange.writeUInt16LE(8, 18);
    expect(complaint(strange)).toEndWith("it is for ELF machine 8");
  });

  test("refuses a truncated one, wherever it ends", () => {
    const whole = k3sProgram(VERSION);
    expect(complaint(whole.subarray(0, -1))).toEndWith(
      `it is truncated: expected at least ${whole.length} bytes, found ${whole.length - 1}`,
    );
    for (const length of [4, 20, 63, 64, 119, 120, 150])
      expect(complaint(whole.subarray(0, length))).toMatch(/truncated|cut off/);
  });

  test("refuses what is no program", () => {
    expect(complaint("#!/bin/sh\nexit 0\n")).toEndWith('expected an ELF program, found "#!/bin/sh\\nexit 0"');
    expect(complaint("")).toEndWith("expected an ELF program, found an empty file");
    expect(() => checkK3sFile("/dev", AMD64)).toThrow();
  });
});

describe("readK3sVersion()", () => {
  runs("reads what the program prints, also of one that may not be executed", async () => {
    expect(await versionIn(k3sProgram(VERSION))).toBe(VERSION);
    expect(await versionIn(k3sProgram("v1.37.0-rc1+k3s2"), 0o644)).toBe("v1.37.0-rc1+k3s2");
  });

  runs("refuses one that exits at once", async () => {
    expect(await versionIn(k3sProgram(VERSION, { status: 3, prints: "fatal: no\n" }))).toBe(
      'The k3s "/k3s" does not run: "k3s --version" ended with status 3, "fatal: no"',
    );
    expect(await versionIn(k3sProgram(VERSION, { status: 1, prints: "" }))).toEndWith("ended with status 1");
  });

  runs("refuses one whose version cannot be read", async () => {
    for (const prints of ["", "hello\n", "k3s version dev (HEAD)\n", "k3s version v1.2.3/../x\n"]) {
      expect(await versionIn(k3sProgram(VERSION, { prints }))).toStartWith(
        'Cannot read the version of the k3s "/k3s": expected "k3s version v…", found "',
      );
    }
  });

  runs("refuses one that a signal ends", async () => {
    const broken = k3sProgram(VERSION);
    broken.fill(0, 120, 140);
    expect(await versionIn(broken)).toMatch(/^The k3s "\/k3s" does not run: .*SIG/);
  });

  test.skipIf(!existsSync("/usr/bin/qemu-aarch64-static"))(
    "runs another architecture's in qemu",
    async () => {
      using host = testHost();
      const file = join(host.root, "k3s");
      writeFileSync(file, k3sProgram(VERSION, { arch: "arm64" }), { mode: 0o755 });
      const runner = ["qemu-aarch64-static"];
      expect(await readK3sVersion(file, ARM64, { run: runProgram }, { runner })).toBe(VERSION);
    },
  );
});

describe("checkK3s()", () => {
  async function complaintOf(version: string): Promise<string> {
    using host = testHost();
    const file = join(host.root, "k3s");
    writeFileSync(file, k3sProgram(VERSION), { mode: 0o755 });
    try {
      await checkK3s(file, version, AMD64, { run: runProgram });
      return "";
    } catch (error) {
      return (error as Error).message.replaceAll(host.root, "");
    }
  }

  runs("wants the version that it is named", async () => {
    expect(await complaintOf(VERSION)).toBe("");
    expect(await complaintOf("v1.37.1+k3s1")).toBe(
      `The k3s "/k3s" is not the one it is named: expected v1.37.1+k3s1, found ${VERSION}`,
    );
  });

  runs("needs no temporary directory, which the container of a Plan lacks", async () => {
    const before = process.env.TMPDIR;
    using host = testHost();
    const file = join(host.root, "k3s");
    writeFileSync(file, k3sProgram(VERSION), { mode: 0o755 });
    process.env.TMPDIR = join(host.root, "none");
    try {
      await checkK3s(file, VERSION, AMD64, { run: runProgram });
      await expect(complaintOfUnexecutable(file)).rejects.toThrow("none");
    } finally {
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
    }
  });

  async function complaintOfUnexecutable(file: string): Promise<void> {
    chmodSync(file, 0o644);
    await checkK3s(file, VERSION, AMD64, { run: runProgram });
  }
});
