import { expect, test } from "bun:test";
import { join } from "node:path";
import { config } from "../../../commands/config.ts";
import { configDiff } from "../../../commands/config-diff.ts";
import { configSchema } from "../../../commands/config-schema.ts";
import { configValidate } from "../../../commands/config-validate.ts";
import { parseCommandLine } from "../../../lib/tools/cli/cli.ts";
import { runAs } from "../../../lib/tools/cli/dispatch.ts";
import { UsageError } from "../../../lib/tools/text/errors.ts";
import { testHost } from "../../support/host.ts";

const SYSTEM = "/k3os/system/config.yaml";

async function run(command: typeof config, argv: readonly string[], files: Readonly<Record<string, string>>) {
  using host = testHost({ files });
  const words = argv.map((word) => (word.startsWith("/") ? join(host.root, word) : word));
  const args = parseCommandLine(command, words, {});
  const status = await runAs(0, command, args, host);
  return {
    status,
    printed: host.printed.join(""),
    logged: host.logged.map((line) => line.replaceAll(host.root, "")),
  };
}

test("k3os config --dump and --dump-json print what all sources make", async () => {
  const files = {
    [SYSTEM]: "hostname: node\nk3os: {install: {silent: true}}\n",
    "/proc/cmdline": "k3os.token=t\n",
  };
  expect(await run(config, ["--dump"], files)).toEqual({
    status: 0,
    printed: "hostname: node\nk3os:\n  token: t\n",
    logged: [],
  });
  expect(await run(config, ["--dump-json"], files)).toEqual({
    status: 0,
    printed: '{"hostname":"node","k3os":{"token":"t","install":{"silent":true}}}\n',
    logged: [],
  });
});

test("k3os config --dump with a broken source prints the rest, says what is broken, and fails", async () => {
  const files = { [SYSTEM]: "hostname: [\n", "/proc/cmdline": "hostname=node\n" };
  const { status, printed, logged } = await run(config, ["--dump"], files);
  expect({ status, printed }).toEqual({ status: 1, printed: "hostname: node\n" });
  expect(logged[0]).toStartWith(`Error: ${SYSTEM}:2:1: `);
});

test("k3os config --dump with an unknown key warns and succeeds", async () => {
  const { status, logged } = await run(config, ["--dump"], { [SYSTEM]: "hostnam: n\n" });
  expect(status).toBe(0);
  expect(logged).toEqual([`Warning: ${SYSTEM}:1:1: hostnam: unknown key: did you mean "hostname"?`]);
});

test("k3os config --initrd --dry-run says what it would change", async () => {
  const { status, logged } = await run(config, ["--initrd", "--dry-run"], { [SYSTEM]: "hostname: node\n" });
  expect(status).toBe(0);
  expect(logged).toContain('Would write "/etc/hostname"');
});

test("k3os config validate makes unknown keys errors", async () => {
  const result = await run(configValidate, [], { [SYSTEM]: "hostnam: n\n" });
  expect(result.status).toBe(1);
  expect(result.logged).toEqual([`Error: ${SYSTEM}:1:1: hostnam: unknown key: did you mean "hostname"?`]);
});

test("k3os config validate FILE checks that file only", async () => {
  const files = { [SYSTEM]: "hostnam: n\n", "/a.yaml": "hostname: n\n", "/b.yaml": "run_cmd: {}\n" };
  expect((await run(configValidate, ["/a.yaml"], files)).status).toBe(0);
  const { status, logged } = await run(configValidate, ["/a.yaml", "/b.yaml"], files);
  expect(status).toBe(1);
  expect(logged).toEqual(["Error: /b.yaml:1:10: run_cmd: found a map, expected a list of strings"]);
  expect(run(configValidate, ["/missing.yaml"], files)).rejects.toThrow(/^Reading ".*missing.yaml"$/);
});

test("k3os config diff shows what a file would change, and what counts instead of it", async () => {
  const files = {
    [SYSTEM]: "k3os: {timezone: UTC}\n",
    "/var/lib/rancher/k3os/config.d/90-last": "hostname: last\n",
    "/50-new.yaml": "hostname: new\nk3os: {timezone: Europe/Berlin}\n",
    "/bad.yaml": "hostnam: new\nrun_cmd: {}\n",
  };
  expect(await run(configDiff, ["/50-new.yaml"], files)).toEqual({
    status: 0,
    printed: 'k3os.timezone (live)\n  - "UTC"\n  + "Europe/Berlin"\n',
    logged: [expect.stringContaining("hostname: /var/lib/rancher/k3os/config.d/90-last:1:1 sets it too")],
  });
  const bad = await run(configDiff, ["/bad.yaml"], files);
  expect([bad.status, bad.printed]).toEqual([1, "Nothing changes\n"]);
  expect(run(configDiff, [], files)).rejects.toThrow(UsageError);
});

test("k3os config schema prints JSON", async () => {
  const { printed } = await run(configSchema, [], {});
  expect(JSON.parse(printed)).toHaveProperty("$schema", "https://json-schema.org/draft/2020-12/schema");
});

test("k3os config --json tells what became of each applier, and ends with the exit status", async () => {
  const files = { [SYSTEM]: "hostname: node\nwrite_files:\n- {path: /a, owner: nobody-here}\n" };
  const { status, printed, logged } = await run(config, ["--boot", "--dry-run", "--json"], files);
  const events = printed
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const told = events.filter(({ event }) => event === "applier");
  expect(told.find(({ name }) => name === "hostname")).toMatchObject({ phase: "boot", ok: true });
  expect(told.find(({ name }) => name === "write_files")).toMatchObject({
    phase: "boot",
    ok: false,
    errors: [{ path: "write_files[0]", message: expect.stringContaining("nobody-here") }],
  });
  expect(events.at(-1)).toMatchObject({ event: "end", ok: false });
  expect([status, logged]).toEqual([1, []]);
});

test.each(["--dump", "--dump-json"])("k3os config %s --json is no way to ask for either", (option) => {
  expect(run(config, [option, "--json"], {})).rejects.toThrow(UsageError);
});
