import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeBundleArgv } from "../../../../lib/make/executable/bundle.ts";
import { runProgram } from "../../../../lib/tools/host/host.ts";
import { STABLE_K3S } from "../../../../lib/tools/release/k3s-release.ts";
import { releaseKeys } from "../../../../lib/tools/release/release-keys.ts";
import { encodePublicKey } from "../../../../lib/tools/release/signature-keys.ts";
import { testHost } from "../../../support/host.ts";
import { makeSecretKey } from "../../../support/minisign.ts";
import { PROJECT } from "../../../support/sources.ts";

/** What a bundled program knows of its build. */
async function constants(added: readonly string[], k3s?: string): Promise<unknown> {
  using host = testHost();
  const [entry, outfile] = [join(host.root, "entry.ts"), join(host.root, "out.cjs")];
  const from = (name: string) => JSON.stringify(join(PROJECT, "lib", name));
  writeFileSync(
    entry,
    `import { releaseKeys } from ${from("tools/release/release-keys.ts")};
     import { OWN_K3S } from ${from("tools/release/k3s-release.ts")};
     import { VERSION } from ${from("tools/host/version.ts")};
     console.log(JSON.stringify([VERSION, OWN_K3S, releaseKeys().map(({ id }) => id)]));`,
  );
  await runProgram(
    nodeBundleArgv({ bun: process.execPath, entry, outfile, version: "v1", releaseKeys: added, k3s }),
  );
  return JSON.parse((await runProgram([process.execPath, outfile])).stdout);
}

describe("a bundled program", () => {
  test("does not hold the path of the clone that built it", async () => {
    using host = testHost();
    const outfile = join(host.root, "out.cjs");
    const entry = join(PROJECT, "lib/tools/http/http-client.ts");
    await runProgram(
      nodeBundleArgv({ bun: process.execPath, entry, outfile, version: "v1", releaseKeys: [] }),
    );
    expect(readFileSync(outfile, "utf8")).not.toContain(PROJECT);
  });

  test("knows its version, and the keys that its build was given", async () => {
    const keys = [makeSecretKey().publicKey, makeSecretKey().publicKey];
    const committed = releaseKeys().map(({ id }) => id);
    expect(await constants([])).toEqual(["v1", STABLE_K3S, committed]);
    const added = keys.map(({ id }) => id);
    const all = [...committed, ...added];
    expect(await constants(keys.map(encodePublicKey))).toEqual(["v1", STABLE_K3S, all]);
  });

  test("knows the k3s of its release", async () => {
    expect(await constants([], "v1.35.9+k3s1")).toEqual(["v1", "v1.35.9+k3s1", expect.any(Array)]);
  });
});
