import { describe, expect, test } from "bun:test";
import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { makeRelease, type ReleaseInput } from "../../../../lib/make/release/make-release.ts";
import { runProgram } from "../../../../lib/tools/host/host.ts";
import { TARGETS } from "../../../../lib/tools/host/targets.ts";
import { readChannel } from "../../../../lib/tools/release/read-channel.ts";
import { makeSigningKey, openSigningKey } from "../../../../lib/tools/release/signing-key.ts";
import { messageOf } from "../../../../lib/tools/text/errors.ts";
import { testHost } from "../../../support/host.ts";
import { makeArtifacts } from "../../../support/release-artifacts.ts";
import { PROJECT } from "../../../support/sources.ts";

const VERSION = "v0.36.3-k3s1r0";
const TIME = 1_790_000_000;
const ARCHES = TARGETS.map(({ arch }) => arch);
const SOURCE = { commit: "c".repeat(40), time: TIME, tags: [VERSION], dirty: [] };

/** A release of stand-in artifacts. */
async function scene(k3s?: string) {
  const host = testHost();
  const [secret, artifacts, output] = ["key", "artifacts", "release"].map((name) => join(host.root, name));
  await makeSigningKey(secret ?? "", { run: runProgram });
  const key = await openSigningKey(secret ?? "", { ...host, run: runProgram });
  const real = { ...host, run: runProgram };
  const made = { directory: artifacts ?? "", arches: ARCHES, version: VERSION, key, ...(k3s && { k3s }) };
  await makeArtifacts(made, real);
  const input: ReleaseInput = {
    ...{ targets: TARGETS, artifacts: artifacts ?? "", output: output ?? "", key, keys: [key.publicKey] },
    ...{ source: SOURCE, section: { state: "released", text: "- What is new." }, channel: undefined },
  };
  const context = { project: PROJECT, version: VERSION, sourceDateEpoch: TIME, signedAt: TIME, host: real };
  return {
    input,
    make: (changed: Partial<ReleaseInput> = {}) => makeRelease({ ...input, ...changed }, context),
    read: (name: string) => readFileSync(join(output ?? "", name), "utf8"),
    host: real,
    [Symbol.dispose]: () => host[Symbol.dispose](),
  };
}

describe("makeRelease()", () => {
  test("makes a directory that its key verifies, the same each time", async () => {
    using release = await scene("v1.36.3+k3s1");
    const files = await release.make();
    expect(files).toEqual(
      expect.arrayContaining(["RELEASE-NOTES.md", "channel.json", "k3os-image.tar", "k3os-provenance.json"]),
    );
    for (const arch of ARCHES) {
      const list = release.read(`sha256sum-${arch}.txt`);
      for (const name of ["k3os-image.tar", `k3os-sbom-${arch}.spdx.json`, `k3os-sbom-${arch}.cdx.json`])
        expect(list).toContain(`  ${name}\n`);
      await runProgram(["sha256sum", "--check", "--strict", `sha256sum-${arch}.txt`], {
        cwd: release.input.output,
      });
      const verify = ["minisign", "-V", "-p", "k3os.pub", "-m", `sha256sum-${arch}.txt`];
      await runProgram(verify, { cwd: release.input.output });
    }
    const contents = () => Object.fromEntries(files.map((name) => [name, release.read(name)]));
    const before = contents();
    await release.make();
    expect(Object.keys(before).filter((name) => before[name] !== contents()[name])).toEqual([]);
  }, 60_000);

  test("names the release in the channel, with its k3s and sizes", async () => {
    using release = await scene("v1.36.3+k3s1");
    await release.make();
    const { output, keys } = release.input;
    const channel = await readChannel(output, { kind: "keys", keys }, release.host);
    expect(channel?.latest).toBe(VERSION);
    expect(channel?.releases[0]?.k3s).toEqual({ version: "v1.36.3+k3s1", from: ["v1.35", "v1.36"] });
    expect(channel?.releases[0]?.sizes.arm?.["k3os-arm"]).toBe(`the executable of ${VERSION} for arm`.length);
  }, 60_000);

  test("leaves nothing where an artifact has changed since it was signed, or another key has signed", async () => {
    using release = await scene();
    const other = await scene();
    const { input } = release;
    expect(await release.make({ keys: other.input.keys }).then(String, messageOf)).toContain("unknown key");
    appendFileSync(join(input.artifacts, "k3os-arm64"), "x");
    const message = await release.make().then(String, messageOf);
    expect(message).toContain("Artifacts of arm64 changed after they were signed: k3os-arm64: its sha256 is");
    expect(existsSync(input.output)).toBe(false);
    expect(readdirSync(join(input.output, "..")).filter((name) => name.startsWith("release"))).toEqual([]);
    other[Symbol.dispose]();
  }, 60_000);
});
