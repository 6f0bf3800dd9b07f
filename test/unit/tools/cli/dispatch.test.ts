import { describe, expect, test } from "bun:test";
import { type Arguments, type Command, defineCommand } from "../../../../lib/tools/cli/cli.ts";
import { dispatch } from "../../../../lib/tools/cli/dispatch.ts";
import { CommandError, formatError } from "../../../../lib/tools/text/errors.ts";
import { testHost } from "../../../support/host.ts";

const OPTIONS = { "dry-run": { type: "boolean", help: "change nothing" } } as const;

/** Calls a command that only root may call, but for a dry run; returns how it ended, and what it printed. */
async function call(uid: number, json: Command["json"], ...argv: readonly string[]) {
  using host = testHost();
  let runs = 0;
  const command = defineCommand({
    options: OPTIONS,
    ...(json && { json }),
    needsRoot: ({ values }: Arguments<typeof OPTIONS>) => !values["dry-run"],
    run: async (_, told) => {
      runs++;
      told.tell?.({ event: "result", value: ["done"] });
      told.print("done\n");
      return 0;
    },
  });
  const table = { act: { summary: "Act", load: async () => command } };
  const status = await dispatch(table, {
    argv0: "k3os",
    argv: ["act", ...argv],
    env: {},
    uid,
    createHost: async () => host,
  });
  return { status, runs, printed: host.printed.join("") };
}

describe("dispatch()", () => {
  test("runs what needs root for root only", async () => {
    expect(await call(0, undefined)).toMatchObject({ status: 0, runs: 1 });
    expect(await call(1000, undefined)).toMatchObject({ status: 1, runs: 0 });
  });

  test("asks each call whether it needs root", async () => {
    expect(await call(1000, undefined, "--dry-run")).toMatchObject({ status: 0, runs: 1 });
  });

  test("tells a program that listens of what it prints, and of a refusal", async () => {
    const [, output, end] = (await call(0, "events", "--json")).printed.trim().split("\n");
    expect(JSON.parse(output ?? "")).toMatchObject({ event: "output", text: "done\n" });
    expect(JSON.parse(end ?? "")).toMatchObject({ event: "end", ok: true });
    const refused = JSON.parse((await call(1000, "events", "--json")).printed);
    expect(refused).toMatchObject({ event: "end", ok: false, error: "Must be run as root" });
  });

  test("prints the result alone, or what people read", async () => {
    expect(await call(0, "result", "--json")).toEqual({ status: 0, runs: 1, printed: '["done"]\n' });
    expect(await call(0, "result")).toMatchObject({ printed: "done\n" });
    expect(await call(1000, "result", "--json")).toMatchObject({ status: 1, runs: 0, printed: "" });
  });

  test("has --json for what is declared so only", async () => {
    expect(await call(0, undefined, "--json")).toMatchObject({ status: 2, runs: 0 });
  });
});

test("a link in a command's directory means that command, with its own name as the first argument", async () => {
  using host = testHost();
  const command = defineCommand({
    options: {},
    maxPositionals: 2,
    run: async ({ positionals }, { print }) => {
      print(positionals.join(" "));
      return 0;
    },
  });
  const table = { service: { summary: "Act", directory: "/etc/init.d", load: async () => command } };
  for (const argv0 of ["/etc/init.d/sshd", "/sbin/sshd", "sshd"]) {
    await dispatch(table, {
      argv0,
      argv: ["service", "stop"].slice(argv0.startsWith("/etc") ? 1 : 0),
      env: {},
      uid: 0,
      createHost: async () => host,
    });
  }
  expect(host.printed).toEqual(["sshd stop", "stop", "stop"]);
});

describe("formatError()", () => {
  const errno = Object.assign(new Error("ENOENT: no such file"), { code: "ENOENT", syscall: "open" });

  test.each([
    ["a failure with a message", new CommandError("no", { cause: new TypeError("deep") })],
    ["a failure of the system", errno],
    ["one that cleaning up followed", new SuppressedError(new Error("then"), errno)],
  ])("shows no stack of %s", (_, error) => {
    expect(formatError(error, { stack: true })).not.toContain("\n    at ");
  });

  test.each([
    [
      "open",
      "/etc/x",
      "ENOENT: no such file or directory, open '/etc/x'",
      '"/etc/x": no such file or directory',
    ],
    ["write", undefined, "ENOSPC: no space left on device, write", "no space left on device"],
    ["spawn lsblk", "lsblk", "spawn lsblk ENOENT", "there is no such program"],
  ])("says what %s met as people do", (syscall, path, message, said) => {
    const code = /E[A-Z]+/.exec(message)?.[0];
    const error = Object.assign(new Error(message), { code, syscall, ...(path && { path }) });
    expect(formatError(error)).toBe(`Error: ${said}`);
  });

  test("names a path once", () => {
    const cause = Object.assign(new Error("EACCES: permission denied, open '/etc/x'"), {
      ...{ code: "EACCES", syscall: "open", path: "/etc/x" },
    });
    expect(formatError(new CommandError('Reading "/etc/x"', { cause }))).toBe(
      'Error: Reading "/etc/x": permission denied',
    );
  });

  test("shows where the program itself is wrong, if asked", () => {
    expect(formatError(new TypeError("oops"), { stack: true })).toContain("\n    at ");
    expect(formatError(new TypeError("oops"))).toBe("Error: oops");
  });
});
