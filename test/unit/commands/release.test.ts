import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { releaseSign } from "../../../commands/release-sign.ts";
import { releaseVerify } from "../../../commands/release-verify.ts";
import { serveFiles } from "../../../lib/make/vm/http-server.ts";
import { type Command, parseCommandLine } from "../../../lib/tools/cli/cli.ts";
import { type Run, runProgram } from "../../../lib/tools/host/host.ts";
import { hostTarget } from "../../../lib/tools/host/targets.ts";
import { encodePublicKey, publicKeyFile } from "../../../lib/tools/release/signature-keys.ts";
import { type TestHost, testHost } from "../../support/host.ts";
import {
  LOCKED_KEY,
  LOCKED_PUBLIC,
  makeSecretKey,
  minisign,
  PASSWORD,
  secretKeyFile,
} from "../../support/minisign.ts";
import { PROJECT } from "../../support/sources.ts";

const KEY = makeSecretKey();
const PUBLIC = encodePublicKey(KEY.publicKey);
const AMD64 = { "k3os-amd64": "program", "k3os-amd64.iso": "iso" };
const ARM = { "k3os-arm": "small program" };

const listOf = (files: Readonly<Record<string, string>>) =>
  Object.entries(files)
    .map(([name, content]) => `${createHash("sha256").update(content).digest("hex")}  ${name}\n`)
    .join("");

/** A host with a key and a release directory of two architectures, not signed yet. */
function releaseHost(options: { env?: Record<string, string> } = {}): TestHost {
  const files = { ...AMD64, ...ARM, "sha256sum-amd64.txt": listOf(AMD64), "sha256sum-arm.txt": listOf(ARM) };
  const below = Object.entries(files).map(([name, content]) => [`/r/${name}`, content]);
  const keys = { "/k.key": secretKeyFile(KEY), "/locked.key": LOCKED_KEY };
  return { ...testHost({ ...options, files: { ...keys, ...Object.fromEntries(below) } }), run: runProgram };
}

async function call(command: Command, argv: readonly string[], host: TestHost) {
  const [printed, logged] = [host.printed.length, host.logged.length];
  const words = argv.map((word) => (word.startsWith("/") ? join(host.root, word) : word));
  const status = await command.run(parseCommandLine(command, words, {}), host);
  const shown = (lines: readonly string[]) => lines.map((line) => line.replaceAll(host.root, "").trimEnd());
  return { status, printed: shown(host.printed.slice(printed)), logged: shown(host.logged.slice(logged)) };
}

const sign = (host: TestHost, ...argv: string[]) =>
  call(releaseSign, ["--key", "/k.key", "--version", "v0.30.0", ...argv], host);
const verify = (host: TestHost, ...argv: string[]) => call(releaseVerify, ["--key", PUBLIC, ...argv], host);

describe("k3os release sign", () => {
  test("signs every list, as minisign and release verify find", async () => {
    using host = releaseHost();
    const { id } = KEY.publicKey;
    expect(await sign(host, "/r")).toEqual({
      status: 0,
      printed: [
        `/r/sha256sum-amd64.txt.minisig: signed for v0.30.0 by ${id}`,
        `/r/sha256sum-arm.txt.minisig: signed for v0.30.0 by ${id}`,
      ],
      logged: [],
    });
    const now = Math.floor(host.clock.now() / 1000);
    const said = await minisign(join(host.root, "r"), [
      "-V",
      "-Q",
      "-p",
      "k3os.pub",
      "-m",
      "sha256sum-arm.txt",
    ]);
    expect(said).toMatch(
      /^timestamp:\d+\tfile:sha256sum-arm\.txt\tversion:v0\.30\.0\tarch:arm\texpires:\d+\tsizes:k3os-arm=13\thashed\n$/,
    );
    expect(Math.abs(Number(said.slice(10, said.indexOf("\t"))) - now)).toBeLessThan(60);
    expect(readFileSync(join(host.root, "r/k3os.pub"), "utf8")).toBe(publicKeyFile(KEY.publicKey));
    expect(await verify(host, "/r")).toEqual({
      status: 0,
      printed: [
        "sha256sum-amd64.txt: OK, signed for v0.30.0",
        "k3os-amd64: OK",
        "k3os-amd64.iso: OK",
        "sha256sum-arm.txt: OK, signed for v0.30.0",
        "k3os-arm: OK",
      ],
      logged: [],
    });
  });

  test("writes nothing, and tells all, where files are not as listed", async () => {
    using host = releaseHost();
    appendFileSync(join(host.root, "r/k3os-amd64.iso"), "x");
    rmSync(join(host.root, "r/k3os-arm"));
    const { status, logged } = await sign(host, "/r");
    expect([status, logged]).toEqual([
      1,
      [
        expect.stringMatching(/^Error: \/r\/k3os-amd64\.iso: its sha256 is [0-9a-f]{64}, the list says/),
        "Error: /r/k3os-arm: it is not there",
      ],
    ]);
    expect(existsSync(join(host.root, "r/sha256sum-amd64.txt.minisig"))).toBe(false);
  });

  test("takes an encrypted key, its password from the environment", async () => {
    using host = releaseHost({ env: { K3OS_SIGN_PASSWORD: PASSWORD } });
    expect((await sign(host, "--key", "/locked.key", "/r")).status).toBe(0);
    expect((await verify(host, "--key", LOCKED_PUBLIC, "/r")).status).toBe(0);
  });

  test("writes nothing where minisign fails at the last list", async () => {
    using host = releaseHost();
    const lists: string[] = [];
    const run: Run = async (argv, options) => {
      const comment = argv.find((word) => word.includes("\tfile:"));
      if (comment !== undefined) lists.push(comment);
      return lists.length === 2 ? { code: 2, stdout: "", stderr: "no space" } : runProgram(argv, options);
    };
    await expect(sign({ ...host, run }, "/r")).rejects.toThrow("minisign failed (exit status 2): no space");
    expect(readdirSync(join(host.root, "r")).filter((name) => /minisig|pub/.test(name))).toEqual([]);
  });

  test("wants a password where there is no terminal to ask at", async () => {
    using host = releaseHost();
    const [key, directory] = ["locked.key", "r"].map((name) => join(host.root, name));
    const program = [process.execPath, join(PROJECT, "bin/k3os.ts"), "release", "sign"];
    const options = [`--key=${key}`, "--version=v1", `${directory}`];
    const ended = await runProgram(["env", "-u", "K3OS_SIGN_PASSWORD", ...program, ...options], {
      check: false,
    });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain("there is no terminal to prompt for its password");
    expect(ended.stderr).toContain("Hint: set the password in K3OS_SIGN_PASSWORD");
  });

  test("wants a key, a directory, and a version that a program run from source does not have", async () => {
    using host = releaseHost();
    const calls = [["/r"], ["--key", "/k.key"], ["--key", "/k.key", "/r"]];
    const missing = ["option --key", "argument DIRECTORY", "option --version"];
    for (const [i, argv] of calls.entries()) {
      await expect(call(releaseSign, argv, host)).rejects.toThrow(`Missing ${missing[i]}`);
    }
    await expect(sign(host, "/")).rejects.toThrow(
      "is not a release directory: it contains no sha256sum-ARCH.txt",
    );
    await expect(sign(host, "/nonexistent")).rejects.toThrow("there is no such directory");
  });
});

describe("k3os release verify", () => {
  test("tells all failures", async () => {
    using host = releaseHost();
    await sign(host, "/r");
    writeFileSync(join(host.root, "r/k3os-amd64"), "another program");
    rmSync(join(host.root, "r/k3os-amd64.iso"));
    writeFileSync(join(host.root, "r/sha256sum-arm.txt"), listOf({ "k3os-arm": "evil" }));
    const { status, printed, logged } = await verify(host, "/r");
    expect(status).toBe(1);
    expect(printed).toEqual(["sha256sum-amd64.txt: OK, signed for v0.30.0"]);
    expect(logged).toEqual([
      expect.stringMatching(/^Error: k3os-amd64: its sha256 is /),
      "Error: k3os-amd64.iso: it is not there",
      expect.stringMatching(/^Error: sha256sum-arm\.txt: .*The content does not match the signature/),
    ]);
  });

  test("looks at one architecture where asked to", async () => {
    using host = releaseHost();
    await sign(host, "/r");
    rmSync(join(host.root, "r/k3os-arm"));
    expect((await verify(host, "--arch", "amd64", "/r")).status).toBe(0);
    const { status, logged } = await verify(host, "--arch", "arm64", "/r");
    expect([status, logged[0]]).toEqual([
      1,
      expect.stringMatching(/^Error: sha256sum-arm64\.txt: Cannot read/),
    ]);
  });

  test("verifies the list of this machine's architecture behind a URL", async () => {
    using host = releaseHost();
    await sign(host, "/r");
    const content = (name: string) => readFileSync(join(host.root, "r", name), "utf8");
    const names = ["sha256sum-amd64.txt", "sha256sum-amd64.txt.minisig"];
    await using server = await serveFiles(
      Object.fromEntries(names.map((name) => [`/${name}`, content(name)])),
    );
    const url = `http://127.0.0.1:${server.port}`;
    const printed = ["sha256sum-amd64.txt: OK, signed for v0.30.0"];
    expect(await verify(host, "--arch", "amd64", url)).toEqual({ status: 0, printed, logged: [] });
    expect((await verify(host, url)).status).toBe(hostTarget().arch === "amd64" ? 0 : 1);
  });

  test("wants something to verify", async () => {
    using host = testHost();
    await expect(verify(host)).rejects.toThrow("Missing argument DIRECTORY or URL");
  });
});

test("the examples of the documentation are commands as they stand there", () => {
  const commands: Readonly<Record<string, Command>> = { sign: releaseSign, verify: releaseVerify };
  const pages = ["releases", "publish"].map((name) => readFileSync(join(PROJECT, `docs/${name}.md`), "utf8"));
  const examples = [...pages.join("\n").matchAll(/^k3os release (\w+) (.+)$/gm)];
  expect(examples.length).toBeGreaterThan(4);
  for (const [line, name = "", words = ""] of examples) {
    const command = commands[name];
    if (command === undefined) throw new Error(`Unknown command in ${line}`);
    expect(parseCommandLine(command, words.split(" "), {}).positionals).toHaveLength(1);
  }
});
