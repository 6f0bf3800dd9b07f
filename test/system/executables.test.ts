import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { enableForeignPrograms } from "../../lib/make/build/foreign-programs.ts";
import { checkExecutable } from "../../lib/make/executable/check-executable.ts";
import { runProgram, systemHost } from "../../lib/tools/host/host.ts";
import { TARGETS } from "../../lib/tools/host/targets.ts";
import { CERTIFICATE, CERTIFICATE_KEY } from "../support/certificate.ts";
import { runInRoot, type Surroundings } from "../support/chroot.ts";

/**
 * The executables as they are shipped, each on this machine's kernel: the foreign ones by qemu-user. They must need
 * nothing around them. The one for armv7 unpacks its runtime, so it needs a directory to write to or, as root, /run.
 */

const ARTIFACTS = join(import.meta.dirname, "../../dist/artifacts");
const VERSION_LINE = /^k3os version v\d\S*\n$/;

/** Variables that would make Bun, Node.js, glibc and musl run or load something else. */
const HOSTILE_ENVIRONMENT = {
  BUN_OPTIONS: "--preload ./trap.js",
  BUN_BE_BUN: "1",
  BUN_INSPECT: "ws://127.0.0.1:1/trap",
  NODE_OPTIONS: "--require ./trap.js",
  NODE_PATH: "/",
  LD_PRELOAD: "/trap.so",
  LD_LIBRARY_PATH: "/lib",
  LD_DEBUG: "all",
};

/** Files that would do the same, in the working directory; and K3OS_DEBUG, which shows on standard error. */
const HOSTILE_DIRECTORY = {
  "/bunfig.toml": 'preload = ["./trap.js"]\n',
  "/.env": "K3OS_DEBUG=1\n",
  "/package.json": '{ "name": "trap", "imports": { "#trap": "./trap.js" } }\n',
  "/tsconfig.json": '{ "compilerOptions": { "paths": { "*": ["./trap.js"] } } }\n',
  "/trap.js": 'require("fs").writeSync(1, "trapped");\n',
};

/** Libraries of another system, of which none may be loaded: they are no libraries at all. */
const FOREIGN_LIBRARIES = Object.fromEntries(
  [
    ...["ld-musl-x86_64.so.1", "ld-musl-aarch64.so.1", "ld-linux-armhf.so.3", "ld-linux-x86-64.so.2"],
    ...["libc.so", "libc.so.6", "libstdc++.so.6", "libnode.so.115", "libnode.so.137", "libzstd.so.1"],
  ].flatMap((name) => [`/lib/${name}`, `/usr/lib/${name}`].map((path) => [path, "trap"])),
);
const FOREIGN_CONFIGURATION = {
  "/etc/ld.so.preload": "/trap.so\n",
  "/etc/ld.so.cache": "trap",
  "/etc/ld-musl-x86_64.path": "/lib\n",
  "/etc/ld-musl-aarch64.path": "/lib\n",
  "/trap.so": "trap",
};

const server = createServer({ cert: CERTIFICATE, key: CERTIFICATE_KEY }, (_, response) =>
  response.end("pong\n"),
);
let url = "";

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  for (const target of TARGETS) await enableForeignPrograms(target, systemHost());
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test("the hostile environment and files are traps for a Bun that is not protected", async () => {
  const directory = mkdtempSync(join(tmpdir(), "k3os-traps-"));
  try {
    const script = ["--eval", "console.log(process.env.K3OS_DEBUG)"];
    const run = async (env: Record<string, string>) =>
      (await runProgram([process.execPath, ...script], { cwd: directory, env })).stdout;
    writeFileSync(join(directory, "trap.js"), HOSTILE_DIRECTORY["/trap.js"]);
    expect(await run({ BUN_OPTIONS: HOSTILE_ENVIRONMENT.BUN_OPTIONS })).toStartWith("trapped");
    for (const name of ["/bunfig.toml", "/.env"] as const) {
      writeFileSync(join(directory, name), HOSTILE_DIRECTORY[name]);
    }
    expect(await run({})).toBe("trapped1\n");
  } finally {
    rmSync(directory, { recursive: true });
  }
});

for (const target of TARGETS) {
  const executable = join(ARTIFACTS, `k3os-${target.arch}`);
  const runVersion = (surroundings: Surroundings) => runInRoot(executable, ["--version"], surroundings);

  describe(`k3os-${target.arch}`, () => {
    test("is a static executable for its machine", async () => {
      checkExecutable(readFileSync(executable), target);
      const { stdout } = await runProgram(["file", "--brief", executable]);
      expect(stdout).toContain("statically linked");
    });

    test("starts in an empty root, without /proc, /dev, /tmp and environment", async () => {
      expect(await runVersion({})).toEqual({
        code: 0,
        stdout: expect.stringMatching(VERSION_LINE),
        stderr: "",
      });
    });

    test("starts as process 1 of an empty root", async () => {
      const ended = await runVersion({ init: true });
      expect(ended).toEqual({ code: 0, stdout: expect.stringMatching(VERSION_LINE), stderr: "" });
    });

    test("starts as process 1 of a read-only root", async () => {
      const files: Record<string, string> = target.runtime.kind === "node" ? { "/run/": "" } : {};
      const ended = await runVersion({ init: true, readOnly: true, files });
      expect(ended).toEqual({ code: 0, stdout: expect.stringMatching(VERSION_LINE), stderr: "" });
    });

    test("is not changed by the environment", async () => {
      const ended = await runVersion({ env: HOSTILE_ENVIRONMENT, files: HOSTILE_DIRECTORY });
      expect(ended).toEqual({ code: 0, stdout: expect.stringMatching(VERSION_LINE), stderr: "" });
    });

    test("is not changed by files in the working directory", async () => {
      const ended = await runInRoot(executable, ["self-test"], { files: HOSTILE_DIRECTORY });
      expect(ended).toEqual({ code: 0, stdout: expect.not.stringContaining("trapped"), stderr: "" });
    });

    test("loads no library of the root it runs in", async () => {
      const files = { ...FOREIGN_LIBRARIES, ...FOREIGN_CONFIGURATION };
      const ended = await runInRoot(executable, ["self-test"], { files });
      expect(ended).toEqual({ code: 0, stdout: expect.not.stringContaining("FAILED"), stderr: "" });
    });

    test("works on a root of glibc and its libraries: this machine's", async () => {
      const script = 'mount -t tmpfs tmpfs /run; exec "$0" self-test'; // the one for armv7 unpacks itself there
      const argv = ["unshare", "--mount", "sh", "-e", "-c", script, executable];
      const { stdout, stderr } = await runProgram(argv);
      expect([stdout, stderr]).toEqual([expect.not.stringContaining("FAILED"), ""]);
    });

    test("parses YAML, compares versions, calls the system, reads, runs programs and requests by TLS", async () => {
      const ended = await runInRoot(executable, ["self-test", "--url", url, "--ca", "/ca.pem", "--exec"], {
        files: { "/ca.pem": CERTIFICATE },
      });
      expect(ended.stdout.split("\n")).toEqual([
        'yaml: {"k3os":{"modules":["kvm"],"sysctl":{"a.b":1}},"again":{"a.b":1}}',
        "semver: v1.31.2 is newer than v1.30.10",
        expect.stringMatching(/^system call: .*\(ENOENT\)$/),
        "file: /k3os",
        expect.stringMatching(/^program: k3os version v\d/),
        "request: pong",
        expect.stringMatching(/^k3os version v\d/), // by execve
        "",
      ]);
      expect([ended.code, ended.stderr]).toEqual([0, ""]);
    });

    test("refuses a server whose certificate nobody vouches for", async () => {
      const ended = await runInRoot(executable, ["self-test", "--url", url]);
      expect(ended.stdout).toMatch(/^request: FAILED: .*certificate/m);
      expect(ended.code).toBe(1);
    });

    test("judges a configuration by what k3s takes", async () => {
      const validate = (text: string) =>
        runInRoot(executable, ["config", "validate", "/c.yaml"], { files: { "/c.yaml": text } });
      const good = await validate("hostname: node-1\nk3os: {k3s_args: [server, --disable=traefik]}\n");
      expect([good.code, good.stderr]).toEqual([0, "The configuration is valid\n"]);
      const bad = await validate("hostname: node_1\nk3os: {k3s_args: [server, --no-deploy=traefik]}\n");
      expect(bad.code).toBe(1);
      expect(bad.stderr.split("\n")).toEqual([
        expect.stringContaining('Error: /c.yaml:1:11: hostname: found "node_1", expected a host name'),
        'Error: /c.yaml:2:8: k3os.k3s_args[1]: found "--no-deploy", which k3s has not taken since v1.25: expected --disable',
        "",
      ]);
    });

    test("knows the link it is called by", async () => {
      const ended = await runInRoot(executable, ["--help"], { link: "/usr/bin/install" });
      expect(ended.stdout).toStartWith("Usage: k3os install ");
    });

    test("passes words of any form on, and exits with 2 for what it does not know", async () => {
      const ended = await runInRoot(executable, ["--inspect", "a b", "", "--eval=1"]);
      expect([ended.code, ended.stdout]).toEqual([2, ""]);
      expect(ended.stderr).toContain('Unknown option "--inspect"');
    });
  });
}
