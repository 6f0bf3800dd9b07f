import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import {
  nextChannel,
  readPublishedChannel,
  writeChannel,
} from "../../../../lib/make/release/release-channel.ts";
import { runProgram } from "../../../../lib/tools/host/host.ts";
import type { Arch } from "../../../../lib/tools/host/targets.ts";
import { makeSigningKey, openSigningKey } from "../../../../lib/tools/release/signing-key.ts";
import { messageOf } from "../../../../lib/tools/text/errors.ts";
import { testHost } from "../../../support/host.ts";

const sizes = new Map<Arch, ReadonlyMap<string, number>>([["arm", new Map([["k3os-arm", 5]])]]);
const release = (version: string, k3s?: string) => ({ version, k3s, signedAt: 1_790_000_000, sizes });

describe("nextChannel()", () => {
  test("adds a release to those so far, the newest first", () => {
    const first = nextChannel(undefined, release("v0.36.3-k3s1r2", "v1.36.3+k3s1"));
    expect(first.releases).toEqual([
      {
        ...{ version: "v0.36.3-k3s1r2", date: "2026-09-21", sizes: { arm: { "k3os-arm": 5 } } },
        k3s: { version: "v1.36.3+k3s1", from: ["v1.35", "v1.36"] },
      },
    ]);
    const next = nextChannel(first, release("v0.36.3-k3s1r10"));
    expect([next.latest, ...next.releases.map(({ version }) => version)]).toEqual([
      ...["v0.36.3-k3s1r10", "v0.36.3-k3s1r10", "v0.36.3-k3s1r2"],
    ]);
    // a later revision of an older minor is not the latest
    expect(nextChannel(next, release("v0.35.9-k3s1r1")).latest).toBe("v0.36.3-k3s1r10");
  });

  test("replaces a release of the same version", () => {
    const first = nextChannel(undefined, release("v1"));
    expect(nextChannel(first, release("v1")).releases).toHaveLength(1);
  });
});

describe("readPublishedChannel()", () => {
  test("reads the channel that was written", async () => {
    using host = testHost();
    const real = { ...host, run: runProgram };
    await makeSigningKey(join(host.root, "key"), real);
    const key = await openSigningKey(join(host.root, "key"), real);
    const channel = nextChannel(undefined, release("v1"));
    await writeChannel(channel, { directory: host.root, key, timestamp: 1_700_000_000 }, real);
    const keys = [key.publicKey];
    expect(await readPublishedChannel(host.root, { keys, dryRun: false }, real)).toMatchObject(channel);
    expect(await readPublishedChannel("none", { keys, dryRun: false }, real)).toBeUndefined();
  });

  test("goes on in a dry run where no server answers, and not otherwise", async () => {
    using host = testHost();
    const read = (dryRun: boolean) =>
      readPublishedChannel("http://127.0.0.1:1", { keys: [], dryRun }, host).then(String, messageOf);
    expect(await read(true)).toBe("undefined");
    expect(host.logged.join()).toContain("The channel begins with this release");
    expect(await read(false)).toContain("Cannot ");
  }, 30_000);
});
