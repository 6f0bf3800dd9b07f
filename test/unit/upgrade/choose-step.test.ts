import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readLinks } from "../../../lib/tools/generation/generation-links.ts";
import { changeGeneration, partsOf } from "../../../lib/tools/generation/trial.ts";
import { triedVersion } from "../../../lib/tools/generation/tried-version.ts";
import { hostTarget } from "../../../lib/tools/host/targets.ts";
import { CHANNEL, channelComment, channelText } from "../../../lib/tools/release/channel.ts";
import { declaredK3s } from "../../../lib/tools/release/k3s-release.ts";
import { OrderError } from "../../../lib/tools/text/errors.ts";
import { chooseStep } from "../../../lib/upgrade/choose-step.ts";
import { findRelease } from "../../../lib/upgrade/find-release.ts";
import { type TestHost, testHost } from "../../support/host.ts";
import { makeSecretKey, signContent } from "../../support/minisign.ts";
import { signedList } from "../../support/release.ts";
import { addVersion, makeSystem } from "../../support/system-directory.ts";

const { arch } = hostTarget();
const secret = makeSecretKey();
const query = { arch, trust: { kind: "keys", keys: [secret.publicKey] } } as const;

/** Releases by name with the k3s that each declares; undefined: an old list, which declares none. */
type Releases = Readonly<Record<string, string | undefined>>;

/** A channel and its signature, by name. */
function signedChannel(latest: string, releases: Releases): Readonly<Record<string, string>> {
  const listed = Object.entries(releases).map(([version, k3s]) => {
    return { version, date: "2026-12-01", sizes: {}, k3s: declaredK3s(k3s ?? "") };
  });
  const text = channelText({ latest, releases: listed });
  const now = Math.floor(Date.now() / 1000);
  const comment = channelComment({ timestamp: now, expires: now + 99 });
  return { [CHANNEL]: text, [`${CHANNEL}.minisig`]: signContent(Buffer.from(text), comment, secret) };
}

/** An upgrade to that release, which no boot has tried yet. */
function addUpgrade(system: string, release: string, host: TestHost): void {
  const wanted = { k3os: release, k3s: ALL[release as keyof typeof ALL] };
  addVersion(system, "k3os", wanted.k3os);
  addVersion(system, "k3s", wanted.k3s);
  const parts = partsOf(readLinks(system), wanted);
  const change = { kind: "upgrade", since: "2030", keep: 0, tolerated: [], keepData: false, parts } as const;
  changeGeneration(system, change, host);
}

/** The release that a server with k3s 1.35 takes on its way to `latest`; `waiting`: after an upgrade to that, not rebooted. */
async function step(
  latest: string,
  releases: Releases,
  {
    role = "server",
    channel,
    waiting,
  }: { readonly role?: string; readonly channel?: Releases; readonly waiting?: string } = {},
): Promise<string> {
  const unit = { "/etc/systemd/system/k3s-service.service": `ExecStart=/sbin/k3s ${role}\n` };
  using machine = testHost({ files: unit });
  const system = makeSystem(machine.root, { k3os: ["v0.35.3-k3s1r0"], k3s: ["v1.35.3+k3s1"] });
  if (waiting !== undefined) addUpgrade(system, waiting, machine);
  const mirror = join(machine.root, "mirror");
  for (const [version, k3s] of Object.entries(releases)) {
    mkdirSync(join(mirror, version), { recursive: true });
    for (const [name, content] of Object.entries(signedList({ x: "" }, { secret, version, k3s })))
      writeFileSync(join(mirror, version, name), content);
  }
  if (channel !== undefined) {
    for (const [name, text] of Object.entries(signedChannel(latest, channel)))
      writeFileSync(join(mirror, latest, name), text);
  }
  const host = { ...machine, env: { K3OS_RELEASE_URL: mirror } };
  const found = await findRelease(query, { ...host, env: { ...host.env, K3OS_VERSION: latest } });
  try {
    const chosen = await chooseStep(found, { ...query, system, current: triedVersion(system, "k3os") }, host);
    return `${chosen.found.version}${chosen.more ? ", more follow" : ""}`;
  } catch (error) {
    if (error instanceof OrderError) return error.message;
    throw error;
  }
}

const [R35, R36, R36B, R37] = [
  "v0.35.9-k3s1r0",
  "v0.36.1-k3s1r0",
  "v0.36.3-k3s1r10",
  "v0.37.1-k3s1r0",
] as const;
const ALL = { [R35]: "v1.35.9+k3s1", [R36]: "v1.36.1+k3s1", [R36B]: "v1.36.3+k3s1", [R37]: "v1.37.1+k3s1" };

describe("chooseStep()", () => {
  test("takes the latest, if this node may step to it", async () => {
    expect(await step(R36B, ALL)).toBe(R36B);
  });

  test("takes the newest on the way to the latest, and says that more follow", async () => {
    expect(await step(R37, ALL)).toBe(`${R36B}, more follow`);
    expect(await step(R37, { [R35]: "v1.35.9+k3s1", [R37]: "v1.37.1+k3s1" })).toBe(`${R35}, more follow`);
  });

  test("goes by the channel, if there is one", async () => {
    expect(await step(R37, ALL, { channel: ALL })).toBe(`${R36B}, more follow`);
    const { [R36B]: _, ...others } = ALL;
    expect(await step(R37, ALL, { channel: others })).toBe(`${R36}, more follow`);
    expect(await step(R37, ALL, { channel: { [R37]: ALL[R37] } })).toContain(
      "no earlier release is known here",
    );
    // the list of the release itself has the last word
    const wrong = { ...ALL, [R36B]: "v1.37.0+k3s1" };
    expect(await step(R37, wrong, { channel: ALL })).toBe(`${R36}, more follow`);
  });

  test("takes the same again before the reboot: a k3s that has never run is no step", async () => {
    expect(await step(R37, ALL, { waiting: R36B })).toBe(`${R36B}, more follow`);
    expect(await step(R36B, ALL, { waiting: R36B })).toBe(R36B);
  });

  test("goes by what is signed, not by names", async () => {
    const named = { ...ALL, [R36B]: "v1.37.0+k3s1" };
    expect(await step(R37, named)).toBe(`${R36}, more follow`);
  });

  test("takes a latest that declares nothing, and no such step", async () => {
    expect(await step(R37, { ...ALL, [R37]: undefined })).toBe(R37);
    expect(await step(R37, { [R36B]: undefined, [R37]: "v1.37.1+k3s1" })).toContain(
      "goes through v1.36 first",
    );
  });

  test("refuses without a step, and names the minor", async () => {
    expect(await step(R37, { [R37]: "v1.37.1+k3s1" })).toContain(
      "goes through v1.36 first; no earlier release is known here",
    );
  });

  test("refuses on an agent that cannot ask, whatever there is", async () => {
    expect(await step(R37, ALL, { role: "agent" })).toContain(
      "Cannot tell whether k3s v1.37.1+k3s1 is newer",
    );
  });
});
