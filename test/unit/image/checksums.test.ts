import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { checksumFile } from "../../../lib/checksums.ts";
import { testHost } from "../../support/host.ts";

describe("checksumFile()", () => {
  test("is what sha256sum checks, sorted, with base names", async () => {
    using host = testHost({ files: { "/k3os-amd64.iso": "iso", "/install.sh": "script" } });
    const text = await checksumFile([join(host.root, "k3os-amd64.iso"), join(host.root, "install.sh")]);
    expect(text.split("\n").map((line) => line.slice(66))).toEqual(["install.sh", "k3os-amd64.iso", ""]);
    const check = spawnSync("sha256sum", ["--check", "--strict", "-"], { cwd: host.root, input: text });
    expect(check.status).toBe(0);
  });
});
