import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { debianParts, executableParts, readParts } from "../../../../lib/make/release/components.ts";
import { runProgram } from "../../../../lib/tools/host/host.ts";
import { targetOf } from "../../../../lib/tools/host/targets.ts";
import { makeSigningKey, openSigningKey } from "../../../../lib/tools/release/signing-key.ts";
import { testHost } from "../../../support/host.ts";
import { makeArtifacts } from "../../../support/release-artifacts.ts";
import { PROJECT } from "../../../support/sources.ts";

const AMD64 = targetOf("amd64");

test("debianParts() has a part for each line", () => {
  expect(debianParts("libc6 2.41-12\nlogin 1:4.16+b1~x\n", AMD64)).toEqual([
    { name: "libc6", version: "2.41-12", purl: "pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=trixie" },
    {
      ...{ name: "login", version: "1:4.16+b1~x" },
      purl: "pkg:deb/debian/login@1%3A4.16%2Bb1~x?arch=amd64&distro=trixie",
    },
  ]);
  expect(() => debianParts("libc6\n", AMD64)).toThrow("expected NAME VERSION");
});

test("executableParts() has the packages that the program imports, and no tool of developers", () => {
  const names = executableParts(PROJECT, AMD64).map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(["undici", "yaml", "bun"]));
  expect(names).not.toContain("typescript");
  expect(executableParts(PROJECT, targetOf("arm")).map(({ name }) => name)).toContain("nodejs");
});

describe("readParts()", () => {
  test.each([undefined, "v1.36.3+k3s1"])(
    "reads what is in a tarball, with the k3s %p",
    async (k3s) => {
      using host = testHost();
      const real = { ...host, run: runProgram };
      await makeSigningKey(join(host.root, "key"), real);
      const key = await openSigningKey(join(host.root, "key"), real);
      const made = {
        directory: host.root,
        arches: ["amd64"],
        version: "v1",
        key,
        ...(k3s && { k3s }),
      } as const;
      await makeArtifacts(made, real);
      const parts = await readParts(host.root, AMD64, PROJECT, real);
      const versions = Object.fromEntries(parts.map(({ name, version }) => [name, version]));
      expect(versions).toMatchObject({ libc6: "2.41-12", linux: "6.12.118+deb13-amd64" });
      expect(versions.k3s).toBe(k3s as string);
      if (k3s) expect(parts.find(({ name }) => name === "k3s")?.sha256).toMatch(/^[0-9a-f]{64}$/);
    },
    60_000,
  );
});
