import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { runProgram } from "../../../lib/tools/host/host.ts";
import { hostTarget } from "../../../lib/tools/host/targets.ts";
import { COMMITTED_KEYS } from "../../../lib/tools/release/release-keys.ts";
import { signatureName } from "../../../lib/tools/release/release-list.ts";
import { encodePublicKey, publicKeyFile } from "../../../lib/tools/release/signature-keys.ts";
import {
  checksums,
  EXECUTABLE,
  FAKE_EXECUTABLE,
  INSTALL_SCRIPT,
  LIST,
  openScene,
  SHELLS,
} from "../../support/install-script.ts";
import { serveLoopback } from "../../support/loopback.ts";
import { makeSecretKey, signContent } from "../../support/minisign.ts";

const { arch } = hostTarget();
const SIGNATURE = signatureName(arch);
const SECRET = makeSecretKey();
const KEY = encodePublicKey(SECRET.publicKey);
const OTHER = makeSecretKey();
const COMMENT = `timestamp:1\tfile:${LIST}\tversion:v1\tarch:${arch}\thashed`;
const TEXT = checksums(FAKE_EXECUTABLE);

const sign = (text: string, comment = COMMENT, secret = SECRET) =>
  signContent(Buffer.from(text), comment, secret);
const GOOD = sign(TEXT);

/** What each program that can verify needs besides. */
const VERIFIERS = [
  { name: "minisign", tools: { minisign: "minisign" } },
  { name: "OpenSSL", tools: { openssl: "openssl", tail: "tail" } },
];

type Answer = string | ((response: ServerResponse) => void);

function serve(files: Readonly<Record<string, Answer>> = {}) {
  const release = { [EXECUTABLE]: FAKE_EXECUTABLE, [LIST]: TEXT, [SIGNATURE]: GOOD, ...files };
  return serveLoopback((request, response) => {
    const file = release[(request.url ?? "").slice(1)];
    if (typeof file === "function") file(response);
    else response.writeHead(file === undefined ? 404 : 200).end(file ?? "not here");
  });
}

const CHANGED = checksums("another");

/** Lists and signatures that are none, by what is wrong with them. */
const BAD: readonly {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly says: string;
}[] = [
  { name: "a list that was changed", files: { [LIST]: CHANGED }, says: "is not what was signed" },
  {
    name: "a list that another has signed",
    files: { [SIGNATURE]: sign(TEXT, COMMENT, OTHER) },
    says: "signed by none of the keys",
  },
  {
    name: "a comment that was changed",
    files: { [SIGNATURE]: GOOD.replace("version:v1", "version:v2") },
    says: "is not what was signed",
  },
  { name: "no signature", files: { [SIGNATURE]: "<html>" }, says: "is not what was signed" },
  {
    name: "the list of another architecture",
    files: { [SIGNATURE]: sign(TEXT, COMMENT.replaceAll(arch, "riscv64")) },
    says: `is not signed as file:${LIST}`,
  },
  {
    name: "a list for another architecture",
    files: { [SIGNATURE]: sign(TEXT, COMMENT.replace(`arch:${arch}`, "arch:riscv64")) },
    says: `is not signed as arch:${arch}`,
  },
];

describe.each(VERIFIERS)("install.sh with $name", ({ tools }) => {
  test.each(SHELLS.map((shell) => ({ shell })))(
    "verifies by a key, in $shell",
    async ({ shell }) => {
      await using server = await serve();
      using scene = openScene({ tools: { curl: "curl", ...tools } });
      writeFileSync(join(scene.directory, "k3os.pub"), publicKeyFile(SECRET.publicKey));
      const iso = `${server.origin}/a.iso`;
      for (const key of [
        ["--key", KEY],
        [`--key=${KEY}`],
        ["--key", "k3os.pub"],
        ["--key", encodePublicKey(OTHER.publicKey), "--key", KEY],
      ]) {
        const args = [...key, "/dev/null", iso];
        const result = await scene.call({ shell, args });
        expect(result).toEqual({
          code: 0,
          stdout: "",
          stderr: `install.sh: downloading ${EXECUTABLE} from ${server.origin}\n`,
        });
        expect(scene.recorded()?.arguments).toEqual(["install", "--bootstrap", ...args]);
      }
      const fromEnvironment = await scene.call({
        shell,
        args: ["/dev/null", iso],
        env: { K3OS_INSTALL_KEY: KEY },
      });
      expect(fromEnvironment.code).toBe(0);
      expect(server.requests.filter(({ url }) => url === `/${SIGNATURE}`)).toHaveLength(5);
      expect(scene.leftovers()).toEqual([]);
    },
    30_000,
  );

  test.each(BAD)("refuses $name", async ({ files, says }) => {
    await using server = await serve(files);
    using scene = openScene({ tools: { curl: "curl", ...tools } });
    const args = ["--key", KEY, "/dev/null", `${server.origin}/a.iso`];
    const result = await scene.call({ shell: ["dash"], args });
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(says);
    expect(scene.recorded()).toBeUndefined();
    expect(server.requests.some(({ url }) => url === `/${EXECUTABLE}`)).toBe(false);
    expect(scene.leftovers()).toEqual([]);
  });

  test("refuses a list that has expired from a server, and takes it from a directory", async () => {
    const expired = sign(TEXT, `${COMMENT}\texpires:1700000000\tsizes:${EXECUTABLE}.iso=3`);
    await using server = await serve({ [SIGNATURE]: expired });
    using scene = openScene({ tools: { curl: "curl", date: "date", ...tools } });
    const args = ["--key", KEY, "/dev/null", `${server.origin}/a.iso`];
    const result = await scene.call({ shell: ["dash"], args });
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(`${LIST} has expired, by the clock of this machine`);
    expect(server.requests.some(({ url }) => url === `/${EXECUTABLE}`)).toBe(false);
    const directory = join(scene.directory, "release");
    mkdirSync(directory);
    for (const [name, text] of Object.entries({
      [EXECUTABLE]: FAKE_EXECUTABLE,
      [LIST]: TEXT,
      [SIGNATURE]: expired,
    }))
      writeFileSync(join(directory, name), text);
    const env = { K3OS_RELEASE_URL: directory };
    const local = await scene.call({ shell: ["dash"], args: ["--key", KEY, "/dev/null"], env });
    expect(local).toMatchObject({ code: 0 });
  });

  test("takes no more of the executable than was signed", async () => {
    const size = FAKE_EXECUTABLE.length;
    const comment = `${COMMENT}\texpires:99999999999\tsizes:${EXECUTABLE}.iso=3,${EXECUTABLE}=${size}`;
    let sent = 0;
    const more = (response: ServerResponse) => {
      response.on("close", () => {
        sent = response.socket?.bytesWritten ?? 0;
      });
      endless(response);
    };
    for (const answer of [FAKE_EXECUTABLE, more]) {
      await using server = await serve({ [SIGNATURE]: sign(TEXT, comment), [EXECUTABLE]: answer });
      using scene = openScene({ tools: { curl: "curl", date: "date", ...tools } });
      const args = ["--key", KEY, "/dev/null", `${server.origin}/a.iso`];
      const { code } = await scene.call({ shell: ["dash"], args });
      expect(code).toBe(answer === more ? 1 : 0);
      expect(sent).toBeLessThan(32 << 20);
    }
  });

  test("verifies nothing where the user trusts anyone, or names no key", async () => {
    await using server = await serve({ [SIGNATURE]: "" });
    using scene = openScene({ tools: { curl: "curl", ...tools } });
    const iso = ["/dev/null", `${server.origin}/a.iso`];
    for (const args of [iso, ["--key", KEY, "--insecure-skip-verify", ...iso]]) {
      expect((await scene.call({ shell: ["dash"], args })).code).toBe(0);
    }
  });
});

test("install.sh says when there is nothing to verify a signature by", async () => {
  await using server = await serve();
  const old = '#!/bin/sh\nif [ "$2" = -help ]; then echo " -verify"; fi\n'; // OpenSSL 1.1
  for (const tools of [{ curl: "curl" }, { curl: "curl", openssl: old }]) {
    using scene = openScene({ tools });
    const args = ["--key", KEY, "/dev/null", `${server.origin}/a.iso`];
    const result = await scene.call({ shell: ["dash"], args });
    expect(result.code).toBe(0);
    expect(result.stderr).toContain("is not verified: that needs minisign or OpenSSL 3");
  }
});

test("install.sh has the keys that the executable has", async () => {
  const { stdout } = await runProgram(["sed", "-n", "s/^KEYS='\\(.*\\)'$/\\1/p", INSTALL_SCRIPT]);
  expect(
    stdout
      .trim()
      .split(" ")
      .filter((key) => key !== ""),
  ).toEqual([...COMMITTED_KEYS]);
});

/** Sends for ever what was asked for, as fast as it is taken. */
function endless(response: ServerResponse): void {
  const piece = Buffer.alloc(1 << 16);
  const more = () => {
    while (response.write(piece));
  };
  response.on("drain", more);
  more();
}

describe.each([
  { name: "curl", tools: { curl: "curl" } },
  { name: "GNU wget", tools: { wget: "wget" } },
  { name: "busybox wget", tools: { wget: "busybox" } },
])("install.sh with $name", ({ tools }) => {
  test.each(SHELLS.map((shell) => ({ shell })))(
    "takes no list without an end, in $shell",
    async ({ shell }) => {
      await using server = await serve({ [LIST]: endless });
      using scene = openScene({ tools });
      const result = await scene.call({ shell, args: ["/dev/null", `${server.origin}/a.iso`] });
      expect(result.code).toBe(1);
      expect(result.stderr).toContain(`install.sh: cannot download ${server.origin}/${LIST}`);
      expect(scene.leftovers()).toEqual([]);
    },
  );
});

test.each([
  { args: ["--forse", "/dev/null"], code: 2, says: "unknown option --forse" },
  { args: ["--forse=yes", "/dev/null"], code: 2, says: "unknown option --forse=yes" },
  { args: ["--force=maybe", "/dev/null"], code: 2, says: '--force: found "maybe", expected true or false' },
  { args: ["-x", "/dev/null"], code: 2, says: "unknown option -x" },
  { args: ["/dev/no-such-disk"], code: 1, says: 'there is no device "/dev/no-such-disk"' },
  { args: ["--device=/dev/no-such-disk"], code: 1, says: 'there is no device "/dev/no-such-disk"' },
  { args: ["--config", "none.yaml", "/dev/null"], code: 1, says: 'there is no configuration "none.yaml"' },
  { args: ["--key", "none.pub", "/dev/null"], code: 1, says: 'cannot read the key "none.pub"' },
  { args: ["--key", "RWQshort", "/dev/null"], code: 1, says: 'cannot read the key "RWQshort"' },
])("install.sh downloads nothing for $args", async ({ args, code, says }) => {
  await using server = await serve();
  using scene = openScene();
  const env = { K3OS_RELEASE_URL: server.origin };
  const result = await scene.call({ shell: ["dash"], args, env });
  expect(result.stderr).toStartWith(`install.sh: ${says}`);
  expect(result.code).toBe(code);
  expect(server.requests).toEqual([]);
});

test("install.sh waits for no pipe in the place of a file of a release", async () => {
  using scene = openScene();
  await runProgram(["mkfifo", join(scene.directory, LIST)]);
  const result = await scene.call({ shell: ["dash"], args: ["/dev/null", "./a.iso"] });
  expect(result.code).toBe(1);
  expect(result.stderr).toContain(`${LIST} is no file`);
});
