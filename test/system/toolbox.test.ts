import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "../../lib/tools/host/host.ts";
import { EXECUTABLE } from "../support/clouds.ts";

/** A ctr that keeps one container and its task as files, and runs what is to be run in it right here. */
const CTR = `#!/bin/sh
cd "$(dirname "$0")"
echo "$*" >> calls
shift 2
case "$1 $2" in
  "containers list") [ ! -e container ] || echo toolbox ;;
  "containers delete") rm container ;;
  "images pull") [ "$3" != docker.io/library/missing:1 ] || { echo "not found" >&2; exit 1; } ;;
  "run --detach") touch container task ;;
  "tasks list") echo "TASK PID STATUS"; [ ! -e task ] || echo "toolbox 12 RUNNING" ;;
  "tasks start") touch task ;;
  "tasks delete") rm task ;;
  "tasks exec") while [ "$1" != toolbox ]; do shift; done; shift; exec "$@" ;;
esac
`;

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "k3os-toolbox-"));
  writeFileSync(join(directory, "ctr"), CTR);
  chmodSync(join(directory, "ctr"), 0o755);
  symlinkSync(EXECUTABLE, join(directory, "toolbox"));
});

afterEach(() => rmSync(directory, { recursive: true }));

function toolbox(argv: readonly string[], options: { input?: string; env?: Record<string, string> } = {}) {
  const env = { ...options.env, PATH: `${directory}:${process.env.PATH}` };
  return runProgram([join(directory, "toolbox"), ...argv], { ...options, env, check: false });
}

describe("toolbox", () => {
  test("is made once, entered any number of times, also after a restart, and removed", async () => {
    expect(await toolbox(["enter"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("The toolbox does not exist"),
    });
    expect((await toolbox(["create"])).code).toBe(0);
    expect(await toolbox(["create"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("already exists"),
    });
    const first = await toolbox(["enter"], { input: "echo inside; exit 7" });
    expect(first).toMatchObject({ code: 7, stdout: "inside\n" });
    rmSync(join(directory, "task"));
    expect((await toolbox(["enter"], { input: "exit 0" })).code).toBe(0);
    expect((await toolbox(["rm"])).code).toBe(0);
    expect(existsSync(join(directory, "container"))).toBe(false);
    expect((await toolbox(["rm"])).code).toBe(1);
    const calls = readFileSync(join(directory, "calls"), "utf8");
    const ids = [...calls.matchAll(/--exec-id (\S+)/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(2);
  });

  test("takes image and shell from the environment", async () => {
    await toolbox(["create"], { env: { TOOLBOX_IMAGE: "docker.io/library/alpine:3" } });
    expect(readFileSync(join(directory, "calls"), "utf8")).toContain(
      "images pull docker.io/library/alpine:3\n",
    );
    const { stdout } = await toolbox(["enter"], { env: { TOOLBOX_SHELL: "pwd" } });
    expect(stdout).toBe(`${directory}\n`);
  });

  test("is not made of an image that cannot be had", async () => {
    const { code, stderr } = await toolbox(["create", "--image", "docker.io/library/missing:1"]);
    expect(code).toBe(1);
    expect(stderr).toContain('Fetching the image "docker.io/library/missing:1"');
    expect(existsSync(join(directory, "container"))).toBe(false);
  });

  test("gives the shell the terminal that there is", async () => {
    await toolbox(["create"]);
    const line = `${join(directory, "toolbox")} enter --shell tty`;
    const env = { PATH: `${directory}:${process.env.PATH}`, TERM: "xterm" };
    const { stdout } = await runProgram(["script", "-qec", line, "/dev/null"], { env });
    expect(stdout).toMatch(/^\/dev\/pts\/\d+\r\n$/);
    expect(readFileSync(join(directory, "calls"), "utf8")).toContain("--tty");
  });

  test("is for root only, and says how it is used", async () => {
    const other = ["setpriv", "--reuid=65534", "--clear-groups", EXECUTABLE, "toolbox", "rm"];
    expect(await runProgram(other, { check: false })).toMatchObject({
      code: 1,
      stderr: "Error: Must be run as root\n",
    });
    expect(await toolbox([])).toMatchObject({ code: 2, stderr: expect.stringContaining("create") });
  });
});
