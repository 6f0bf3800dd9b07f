import { describe, expect, test } from "bun:test";
import { readConfig, readConfigWith } from "../../../../lib/config/read/read.ts";
import { describeDifferences, differences, withoutEffect } from "../../../../lib/config/write/difference.ts";
import { testHost } from "../../../support/host.ts";

const DIRECTORY = "/var/lib/rancher/k3os/config.d";

/** What changes with a file of this name and text in config.d. */
async function changes(files: Record<string, string>, name: string, text: string) {
  using host = testHost({ files });
  const before = await readConfig(host);
  const after = await readConfigWith({ name, bytes: Buffer.from(text) }, host);
  return {
    found: differences(before.origins, after.origins),
    replaced: withoutEffect(after.origins, `${DIRECTORY}/${name}`),
  };
}

describe("differences()", () => {
  test("has each setting with what its change needs", async () => {
    const { found } = await changes(
      { [`${DIRECTORY}/10-a.yaml`]: "k3os: {sysctls: {a.b: 1}, labels: {x: y}, timezone: UTC}\n" },
      "20-b.yaml",
      "k3os: {sysctls: {a.b: 2}, labels: {x: y}, data_sources: [aws], install: {device: /dev/vda}}\n",
    );
    expect(found).toEqual([
      { key: "k3os.data_sources", change: "reboot", before: undefined, after: '["aws"]' },
      { key: "k3os.sysctls", change: "live", before: '{"a.b":"1"}', after: '{"a.b":"2"}' },
      { key: "k3os.install.device", change: "install", before: undefined, after: '"/dev/vda"' },
    ]);
  });

  test("takes the file in the place of the one with its name", async () => {
    const { found } = await changes(
      { [`${DIRECTORY}/a.yaml`]: "hostname: one\nk3os: {timezone: UTC}\n" },
      "a.yaml",
      "hostname: two\n",
    );
    expect(describeDifferences(found)).toBe(
      'hostname (needs a reboot)\n  - "one"\n  + "two"\nk3os.timezone (live)\n  - "UTC"\n',
    );
  });

  test("shows that a secret differs, but not the secret", async () => {
    const { found } = await changes(
      { [`${DIRECTORY}/a`]: "k3os: {token: one}\n" },
      "b",
      "k3os: {token: two}\n",
    );
    expect(describeDifferences(found)).toBe('k3os.token (restarts k3s)\n  - "(secret)"\n  + "(secret)"\n');
  });

  test("is empty for the same settings", async () => {
    const text = "k3os: {modules: [kvm]}\n";
    const { found } = await changes({ [`${DIRECTORY}/a`]: text }, "b", text);
    expect(describeDifferences(found)).toBe("Nothing changes\n");
  });
});

test("withoutEffect() names the source that counts instead", async () => {
  const { found, replaced } = await changes(
    { [`${DIRECTORY}/90.yaml`]: "hostname: last\n" },
    "50.yaml",
    "hostname: first\nrun_cmd: [a]\n",
  );
  expect(found.map(({ key }) => key)).toEqual(["run_cmd"]);
  expect(replaced).toEqual([`hostname: ${DIRECTORY}/90.yaml:1:1 sets it too, and counts`]);
});
