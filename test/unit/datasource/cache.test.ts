import { describe, expect, test } from "bun:test";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { keepAnswer, keptAnswer, machineIdentity } from "../../../lib/datasource/cache.ts";
import type { Metadata } from "../../../lib/datasource/data-source.ts";
import { NO_PLATFORM } from "../../support/cloud.ts";
import { testHost } from "../../support/host.ts";
import { makeKey } from "../../support/ssh-key.ts";
import { treeOf } from "../../support/tree.ts";

const METADATA = {
  userdata: new Uint8Array([0, 0xff, 0x23]),
  keys: [makeKey("ssh-ed25519", "a")],
  hostname: "node",
  instanceId: "i-1",
  facts: { region: "x" },
} satisfies Metadata;
const ANSWER = { source: "aws", title: "AWS", metadata: METADATA };
const FILE = "var/lib/rancher/k3os/metadata/answer.json";

function machine(uuid: string) {
  return { ...NO_PLATFORM, dmi: { product_uuid: uuid } };
}

const THIS = machine("ec2e1916-9099-7caf-fd21-012345abcdef");
const CLONE = machine("ec2aaaaa-9099-7caf-fd21-012345abcdef");

describe("keptAnswer()", () => {
  test("gives back what was kept for the same machine and source, for root alone", () => {
    using host = testHost();
    keepAnswer(ANSWER, THIS, host);
    const kept = keptAnswer(["cdrom", "aws"], THIS, host);
    expect(kept).toMatchObject({ source: "aws", title: "AWS" });
    const { userdata = [], ...rest } = kept?.metadata ?? {};
    expect([...userdata]).toEqual([0, 0xff, 0x23]);
    expect(rest).toEqual({
      keys: METADATA.keys,
      hostname: "node",
      instanceId: "i-1",
      facts: { region: "x" },
    });
    expect(statSync(join(host.root, FILE)).mode & 0o777).toBe(0o600);
    expect(statSync(join(host.root, FILE, "..")).mode & 0o777).toBe(0o700);
  });

  test("gives nothing to a machine that the disk was copied to, nor for another source", () => {
    using host = testHost();
    keepAnswer(ANSWER, THIS, host);
    expect(keptAnswer(["aws"], CLONE, host)).toBeUndefined();
    expect(host.logged[0]).toContain("meant for another machine");
    expect(keptAnswer(["gcp"], THIS, host)).toBeUndefined();
  });

  test("gives nothing where nothing is kept, or what is kept is broken", () => {
    using host = testHost();
    expect(keptAnswer(["aws"], THIS, host)).toBeUndefined();
    keepAnswer(ANSWER, THIS, host);
    expect(host.logged).toEqual([]);
    writeFileSync(join(host.root, FILE), "{");
    expect(keptAnswer(["aws"], THIS, host)).toBeUndefined();
    expect(host.logged).toEqual([`Warning: "/${FILE}" is damaged: not used`]);
  });
});

test("keepAnswer() writes only what is new", () => {
  using host = testHost();
  keepAnswer(ANSWER, THIS, host);
  const before = treeOf(host.root);
  keepAnswer(ANSWER, THIS, host);
  expect(treeOf(host.root)).toEqual(before);
});

test("keepAnswer() keeps nothing for a machine that cannot be told from others", () => {
  using host = testHost();
  keepAnswer(ANSWER, NO_PLATFORM, host);
  keepAnswer(ANSWER, machine("03000200-0400-0500-0006-000700080009"), host);
  expect(treeOf(host.root)).toEqual({});
});

test("machineIdentity() trusts no UUID that many have", () => {
  expect(machineIdentity(machine("Not Settable"))).toBeUndefined();
  expect(machineIdentity(machine("00000000-0000-0000-0000-000000000000"))).toBeUndefined();
  expect(machineIdentity(THIS)).toBe("ec2e1916-9099-7caf-fd21-012345abcdef");
});
