import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeRelease } from "../../lib/make/release/make-release.ts";
import { type Publication, publishRelease } from "../../lib/make/release/publish-release.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { type Arch, TARGETS } from "../../lib/tools/host/targets.ts";
import type { Channel } from "../../lib/tools/release/channel.ts";
import { makeSigningKey, openSigningKey, type SigningKey } from "../../lib/tools/release/signing-key.ts";
import { messageOf } from "../../lib/tools/text/errors.ts";
import { type TestHost, testHost } from "../support/host.ts";
import { k3sProgram } from "../support/k3s-program.ts";
import { makeSecretKey } from "../support/minisign.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { makeArtifacts } from "../support/release-artifacts.ts";
import { PROJECT } from "../support/sources.ts";

/** A release of stand-in artifacts goes to a registry on loopback; GitHub's program is only asked to, and recorded. */
const VERSION = "v0.36.3-k3s1r0";
const COMMIT = "c".repeat(40);
const ARCHES: readonly Arch[] = TARGETS.map(({ arch }) => arch);

/** Of the stand-in for k3s. */
const PIN = createHash("sha256").update(k3sProgram("v1.36.3+k3s1")).digest("hex");

let host: TestHost;
let registry: Registry;
let key: SigningKey;
let calls: (readonly string[])[] = [];

beforeAll(async () => {
  registry = await startRegistry();
  host = testHost();
  const run: typeof runProgram = async (argv, options) => {
    if (argv[0] !== "gh") return await runProgram(argv, options);
    calls.push(argv);
    return { code: 0, stdout: "", stderr: "" };
  };
  host = { ...host, run };
  await makeSigningKey(join(host.root, "key"), host);
  key = await openSigningKey(join(host.root, "key"), host);
});
afterAll(async () => {
  host[Symbol.dispose]();
  await registry[Symbol.asyncDispose]();
});

interface ReleaseOptions {
  readonly k3s?: string;
  readonly dirty?: readonly string[];
  readonly version?: string;
  readonly channel?: Channel;
}

/** A release directory of its own. */
async function release(options: ReleaseOptions = {}) {
  const { k3s = "v1.36.3+k3s1", dirty = [], version = VERSION, channel } = options;
  const [artifacts, output] = [join(host.root, "artifacts"), join(host.root, "release")];
  rmSync(artifacts, { recursive: true, force: true });
  const more = (arch: Arch) => ({ [`of-${arch}`]: `${calls.length}` });
  const content = { directory: artifacts, arches: ARCHES, version, key, more };
  await makeArtifacts(k3s === "none" ? content : { ...content, k3s }, host);
  const source = { commit: COMMIT, time: 1_790_000_000, tags: [version], dirty };
  const context = { project: PROJECT, version, sourceDateEpoch: 1, signedAt: 1_790_000_000, host };
  const input = { targets: TARGETS, artifacts, output, key, keys: [key.publicKey], source };
  await makeRelease({ ...input, section: undefined, channel }, context);
  return output;
}

async function publish(directory: string, changed: Partial<Publication> = {}): Promise<string> {
  calls = [];
  const image = `${registry.name}/k3os/k3os`;
  const publication = {
    ...{ directory, version: VERSION, arches: ARCHES, keys: [key.publicKey], commit: COMMIT },
    ...{ registry: image, github: "k3os/k3os", pin: () => PIN, ...changed },
  };
  return await publishRelease(publication, host).then(() => "", messageOf);
}

async function inspect(tag: string): Promise<string> {
  const url = `docker://${registry.name}/k3os/k3os:${tag}`;
  const { code, stdout } = await runProgram(["skopeo", "inspect", "--raw", "--tls-verify=false", url], {
    check: false,
  });
  return code === 0 ? stdout : "nothing";
}

describe("a release that must not be public", () => {
  test.each([
    ["an artifact changed", "k3os-arm64", "changed after they were signed: k3os-arm64"],
    [
      "the image of all architectures changed",
      "k3os-image.tar",
      "changed after they were signed: k3os-image.tar",
    ],
    ["its list changed", "sha256sum-arm.txt", "The content does not match the signature"],
    [
      "its provenance changed",
      "k3os-provenance.json",
      "changed after they were signed: k3os-provenance.json",
    ],
  ])(
    "is not, where %s after signing",
    async (_, name, says) => {
      const directory = await release();
      const before = readFileSync(join(directory, name));
      rmSync(join(directory, name)); // a hard link
      writeFileSync(join(directory, name), before);
      appendFileSync(join(directory, name), " ");
      expect(await publish(directory)).toContain(says);
      expect([calls, await inspect(VERSION)]).toEqual([[], "nothing"]);
    },
    60_000,
  );

  test("is not, where another key, commit or version was expected, or the tree was dirty, or a k3s is missing", async () => {
    const directory = await release();
    const stranger = makeSecretKey().publicKey;
    expect(await publish(directory, { keys: [stranger] })).toContain("Signed by the unknown key");
    expect(await publish(directory, { commit: "d".repeat(40) })).toContain(
      `is made of ${COMMIT}, expected d`,
    );
    expect(await publish(directory, { version: "v0.36.4-k3s1r0" })).toContain("expected v0.36.4-k3s1r0");
    expect(await publish(await release({ dirty: ["a"] }))).toContain(
      "the tree was dirty, a not as committed",
    );
    expect(await publish(await release(), { pin: () => undefined })).toContain("of amd64 is not pinned");
    expect(await publish(await release(), { pin: () => "0".repeat(64) })).toContain(`its sha256 is ${PIN}`);
    expect(await publish(await release({ k3s: "none" }))).toContain("the images of amd64 are without k3s");
    expect([calls, await inspect(VERSION)]).toEqual([[], "nothing"]);
  }, 60_000);
});

test("a release is drafted, its image pushed, and then published", async () => {
  const directory = await release();
  expect(await publish(directory)).toBe("");
  const [draft = [], published = []] = calls;
  expect(draft.slice(0, 6)).toEqual(["gh", "release", "create", VERSION, "--repo", "k3os/k3os"]);
  expect(draft).toEqual(expect.arrayContaining(["--draft", "--verify-tag", join(directory, "channel.json")]));
  expect(published.slice(0, 4)).toEqual(["gh", "release", "edit", VERSION]);
  expect(published.slice(-2)).toEqual(["--draft=false", "--latest=true"]);
  const { manifests } = JSON.parse(await inspect(VERSION));
  const architectures = manifests.map(({ platform }: { platform: { architecture: string } }) => {
    return platform.architecture;
  });
  expect(architectures).toEqual([...ARCHES]);
  // the same again changes nothing, and another image never takes its place
  expect(await publish(directory, { github: undefined })).toBe("");
  const before = await inspect(VERSION);
  await runProgram([
    "skopeo",
    "copy",
    "--quiet",
    "--dest-tls-verify=false",
    `oci-archive:${directory}/k3os-image-arm.tar`,
    `docker://${registry.name}/k3os/k3os:v0.36.3-k3s1r1`,
  ]);
  const other = await release({ version: "v0.36.3-k3s1r1" });
  const message = await publish(other, { version: "v0.36.3-k3s1r1" });
  expect(message).toContain("exists, and is another image");
  expect([calls, await inspect(VERSION)]).toEqual([[], before]);
}, 120_000);

test("an older release does not become the latest, whose channel lists it from then on", async () => {
  const later = { version: "v0.37.1-k3s1r0", date: "2026-12-01", sizes: {} };
  const channel = { latest: later.version, releases: [later] };
  const directory = await release({ channel });
  expect(await publish(directory, { registry: undefined })).toBe("");
  const [, published = [], uploaded = []] = calls;
  expect(published.at(-1)).toBe("--latest=false");
  expect(uploaded.slice(0, 4)).toEqual(["gh", "release", "upload", later.version]);
  expect(uploaded).toContain(join(directory, "channel.json"));
}, 60_000);
