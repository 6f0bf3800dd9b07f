import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { takeFile, verifyArtifacts } from "../../../../lib/make/release/collect-artifacts.ts";
import { messageOf } from "../../../../lib/tools/text/errors.ts";
import { testHost } from "../../../support/host.ts";
import { makeSecretKey } from "../../../support/minisign.ts";
import { signedList } from "../../../support/release.ts";

const SECRET = makeSecretKey();
const KEYS = [SECRET.publicKey];

function artifacts(changed: Readonly<Record<string, string>> = {}) {
  const files = { "k3os-arm": "one", "install.sh": "two" };
  const signed = signedList(files, { secret: SECRET, version: "v1", arch: "arm" });
  const all = Object.entries({ ...files, ...signed, ...changed });
  return testHost({ files: Object.fromEntries(all.map(([name, text]) => [`/${name}`, String(text)])) });
}

describe("verifyArtifacts()", () => {
  test("returns the release of files that are as they were signed", async () => {
    using host = artifacts();
    const release = await verifyArtifacts(host.root, { arch: "arm", keys: KEYS, version: "v1" }, host);
    expect([...release.files.keys()]).toEqual(["k3os-arm", "install.sh"]);
  });

  test.each([
    [
      "a file that has changed",
      { "k3os-arm": "x" },
      "v1",
      "changed after they were signed: k3os-arm: its sha256",
    ],
    ["another version", {}, "v2", "are signed for v1, expected v2"],
    ["a list that has changed", { "sha256sum-arm.txt": "" }, "v1", "does not match the signature"],
  ])("refuses %s", async (_, changed, version, says) => {
    using host = artifacts(changed);
    const call = verifyArtifacts(host.root, { arch: "arm", keys: KEYS, version }, host);
    expect(await call.then(String, messageOf)).toContain(says);
  });
});

test("takeFile() puts a file into another directory, and leaves the first", () => {
  using host = artifacts();
  mkdirSync(join(host.root, "to"));
  takeFile(host.root, join(host.root, "to"), "k3os-arm");
  writeFileSync(join(host.root, "other"), "");
  expect(readFileSync(join(host.root, "to/k3os-arm"), "utf8")).toBe("one");
  expect(readFileSync(join(host.root, "k3os-arm"), "utf8")).toBe("one");
});
