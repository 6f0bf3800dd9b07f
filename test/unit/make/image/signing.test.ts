import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { signingKey, writeChecksums } from "../../../../lib/make/image/signing.ts";
import { type Run, runProgram } from "../../../../lib/tools/host/host.ts";
import { readRelease } from "../../../../lib/tools/release/read-release.ts";
import { readPublicKey } from "../../../../lib/tools/release/signature-keys.ts";
import { type TestHost, testHost } from "../../../support/host.ts";
import { makeSecretKey, minisign, secretKeyFile } from "../../../support/minisign.ts";

/** A host that runs minisign, of which dpkg says that it is installed. */
function signingHost(files: Readonly<Record<string, string>> = {}): TestHost {
  const run: Run = async (argv, options) =>
    argv[0] === "dpkg-query"
      ? { code: 0, stdout: "minisign installed\n", stderr: "" }
      : runProgram(argv, options);
  return { ...testHost({ files }), run };
}

describe("signingKey()", () => {
  test("makes a key for this clone once, that only its owner can read", async () => {
    using host = signingHost();
    const key = await signingKey(undefined, { cache: host.root, host });
    expect(await signingKey(undefined, { cache: host.root, host })).toEqual(key);
    expect(statSync(join(host.root, "signing-key")).mode & 0o777).toBe(0o600);
  });

  test("takes the key that is given", async () => {
    using host = signingHost();
    const [file, key] = [join(host.root, "k.key"), makeSecretKey()];
    writeFileSync(file, secretKeyFile(key));
    expect(await signingKey(file, { cache: host.root, host })).toMatchObject({ publicKey: key.publicKey });
    expect(readdirSync(host.root)).toEqual(["k.key"]);
  });
});

test("writeChecksums() makes a release directory, the same for the same files", async () => {
  using host = signingHost({ "/k3os-amd64": "program", "/k3os-amd64.iso": "iso", "/other": "x" });
  const context = { host, artifacts: host.root, version: "v0.30.0", signedAt: 1_767_225_600 };
  const names = ["k3os-amd64", "k3os-amd64.iso"];
  const key = await signingKey(undefined, { cache: host.root, host });
  const write = () => writeChecksums({ arch: "amd64" }, { names, key }, context);
  const signature = () => readFileSync(join(host.root, "sha256sum-amd64.txt.minisig"), "utf8");
  await write();
  const before = signature();
  await write();
  expect(signature()).toBe(before);
  expect(before).toContain(
    "timestamp:1767225600\tfile:sha256sum-amd64.txt\tversion:v0.30.0\tarch:amd64\texpires:1798761600\tsizes:k3os-amd64=7,k3os-amd64.iso=3\thashed\n",
  );

  const keys = [readPublicKey(join(host.root, "k3os.pub"))];
  const release = await readRelease(host.root, { arch: "amd64", trust: { kind: "keys", keys } }, host);
  expect([...release.files.keys()]).toEqual(names);
  expect(release).toMatchObject({ signed: true, version: "v0.30.0" });
  await minisign(host.root, ["-V", "-p", "k3os.pub", "-m", "sha256sum-amd64.txt"]);
});
