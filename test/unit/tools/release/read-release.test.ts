import { describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { serveFiles } from "../../../../lib/make/vm/http-server.ts";
import { runProgram } from "../../../../lib/tools/host/host.ts";
import {
  chooseTrust,
  digestOf,
  expectedContent,
  readRelease,
  releaseFile,
  type Trust,
} from "../../../../lib/tools/release/read-release.ts";
import { COMMITTED_KEYS, MAX_RELEASE_KEYS, releaseKeys } from "../../../../lib/tools/release/release-keys.ts";
import { encodePublicKey, publicKeyFile } from "../../../../lib/tools/release/signature-keys.ts";
import { CommandError, messageOf } from "../../../../lib/tools/text/errors.ts";
import { testHost } from "../../../support/host.ts";
import { makeSecretKey, signContent, signList } from "../../../support/minisign.ts";

const KEY = makeSecretKey();
const DIGEST = "0123456789abcdef".repeat(4);
const LIST = `${DIGEST}  k3os-amd64\n`;
const NOW = Math.floor(Date.now() / 1000);
const SIZES = new Map([["k3os-amd64", 5]]);
const signed = (timestamp: number, expires?: number, key = KEY) =>
  signList(Buffer.from(LIST), { arch: "amd64", version: "v0.30.0", timestamp, expires, sizes: SIZES }, key);
const SIGNATURE_FILE = "/r/sha256sum-amd64.txt.minisig";
const SIGNATURE = signed(NOW);
const FILES = { "/r/sha256sum-amd64.txt": LIST, "/r/sha256sum-amd64.txt.minisig": SIGNATURE };
const TRUST: Trust = { kind: "keys", keys: [KEY.publicKey] };
const ANYONE: Trust = { kind: "anyone" };
const RELEASE = {
  ...{ arch: "amd64", version: "v0.30.0", timestamp: NOW, signed: true },
  ...{ files: new Map([["k3os-amd64", DIGEST]]), sizes: SIZES },
};

/** Reads the release directory of a host with these files; also the warnings. */
async function read(files: Readonly<Record<string, string>>, trust: Trust) {
  using host = testHost({ files });
  const shown = (text: string) => text.replaceAll(host.root, "");
  try {
    const release = await readRelease(join(host.root, "r"), { arch: "amd64", trust }, host);
    return { release, logged: host.logged.map(shown) };
  } catch (error) {
    return { error: shown(messageOf(error)), logged: host.logged.map(shown) };
  }
}

describe("readRelease()", () => {
  test("reads a directory, by path and by URL", async () => {
    using host = testHost({ files: FILES });
    const path = join(host.root, "r");
    for (const directory of [path, `${path}/`, pathToFileURL(path).href]) {
      expect(await readRelease(directory, { arch: "amd64", trust: TRUST }, host)).toEqual(RELEASE as never);
    }
    expect(host.logged).toEqual([]);
  });

  test("reads from a web server, below a path with a query", async () => {
    await using server = await serveFiles({
      "/r/sha256sum-amd64.txt?t=1": LIST,
      "/r/sha256sum-amd64.txt.minisig?t=1": SIGNATURE,
    });
    using host = testHost();
    const url = `http://127.0.0.1:${server.port}/r/?t=1`;
    expect(await readRelease(url, { arch: "amd64", trust: TRUST }, host)).toEqual(RELEASE as never);
  });

  test("warns of a list that was signed 180 days ago", async () => {
    const name = "/r/sha256sum-amd64.txt.minisig";
    const { release, logged } = await read({ ...FILES, [name]: signed(NOW - 181 * 86_400) }, TRUST);
    expect(release?.version).toBe("v0.30.0");
    expect(logged).toEqual([
      'Warning: "/r/sha256sum-amd64.txt" was signed 181 days ago: see whether there is a newer release',
    ]);
    expect((await read({ ...FILES, [name]: signed(NOW - 179 * 86_400) }, TRUST)).logged).toEqual([]);
    // a clock that was never set
    expect((await read({ ...FILES, [name]: signed(NOW + 9 * 86_400) }, TRUST)).logged).toEqual([]);
  });

  test("refuses a list that has expired from a server, and warns of one in a directory", async () => {
    const expired = signed(NOW - 9, NOW - 1);
    const { release, logged } = await read({ ...FILES, [SIGNATURE_FILE]: expired }, TRUST);
    expect(release?.expires).toBe(NOW - 1);
    expect(logged.join()).toContain('"/r/sha256sum-amd64.txt" of v0.30.0 expired on ');
    await using server = await serveFiles({ ...FILES, [SIGNATURE_FILE]: expired });
    using host = testHost();
    const url = `http://127.0.0.1:${server.port}/r`;
    const ask = (trust: Trust) => readRelease(url, { arch: "amd64", trust }, host).then(() => "", messageOf);
    expect(await ask(TRUST)).toContain("the server may hide a newer release");
    expect(await ask({ ...TRUST, allowExpired: true })).toBe("");
  });

  test("takes a list of a key that follows a trusted one", async () => {
    const next = makeSecretKey();
    const name = `k3os-${next.publicKey.id}.pub`;
    const content = publicKeyFile(next.publicKey);
    const followed = {
      ...FILES,
      [SIGNATURE_FILE]: signed(NOW, undefined, next),
      [`/r/${name}`]: content,
      [`/r/${name}.minisig`]: signContent(Buffer.from(content), `timestamp:1\tfile:${name}\thashed`, KEY),
    };
    expect((await read(followed, TRUST)).release?.version).toBe("v0.30.0");
    const { error } = await read({ ...followed, [`/r/${name}.minisig`]: SIGNATURE }, TRUST);
    expect(error).toContain(`Signed by the unknown key ${next.publicKey.id}`);
  });

  test("waits for no pipe in the place of a list or signature", async () => {
    using host = testHost({ files: FILES });
    for (const name of ["sha256sum-amd64.txt.minisig", "sha256sum-amd64.txt"]) {
      rmSync(join(host.root, "r", name));
      await runProgram(["mkfifo", join(host.root, "r", name)]);
      const call = readRelease(join(host.root, "r"), { arch: "amd64", trust: TRUST }, host);
      expect(await call.then(() => "", messageOf)).toEndWith(`${name}": found a pipe, expected a file`);
    }
  });

  test("leaves ftp to curl", async () => {
    using host = testHost();
    const asked: string[] = [];
    const run: typeof host.run = async (argv) => {
      const [url = "", output = ""] = [argv.at(-1), argv[argv.indexOf("--output") + 1]];
      asked.push(url);
      await Bun.write(output, url.endsWith(".minisig") ? SIGNATURE : LIST);
      return { code: 0, stdout: "", stderr: "" };
    };
    const release = await readRelease("ftp://h/r", { arch: "amd64", trust: TRUST }, { ...host, run });
    expect(release).toEqual(RELEASE as never);
    expect(asked).toEqual(["ftp://h/r/sha256sum-amd64.txt", "ftp://h/r/sha256sum-amd64.txt.minisig"]);
  });

  test("refuses what is not signed, or badly", async () => {
    const { "/r/sha256sum-amd64.txt": _, ...noList } = FILES;
    const { "/r/sha256sum-amd64.txt.minisig": __, ...noSignature } = FILES;
    const changed = { ...FILES, "/r/sha256sum-amd64.txt": LIST.replace("0", "1") };
    const empty = { ...FILES, "/r/sha256sum-amd64.txt.minisig": "" };
    expect((await read(noList, TRUST)).error).toStartWith('Cannot read "/r/sha256sum-amd64.txt"');
    expect((await read(noSignature, TRUST)).error).toStartWith(
      'Nobody has signed "/r/sha256sum-amd64.txt": Cannot read "/r/sha256sum-amd64.txt.minisig"',
    );
    expect((await read(changed, TRUST)).error).toStartWith(
      'Verifying "/r/sha256sum-amd64.txt": The content does not match the signature',
    );
    expect((await read(empty, TRUST)).error).toContain("The signature is malformed");
    expect((await read(FILES, { kind: "keys", keys: [] })).error).toContain("unknown key");
  });

  test("refuses a list of more than 1 MiB, and a signature of more than 16 KiB", async () => {
    const long = { ...FILES, "/r/sha256sum-amd64.txt": LIST.repeat(20_000) };
    const longSignature = { ...FILES, "/r/sha256sum-amd64.txt.minisig": SIGNATURE.repeat(100) };
    expect((await read(long, TRUST)).error).toEndWith("larger than 1048576 bytes");
    expect((await read(longSignature, TRUST)).error).toEndWith("larger than 16384 bytes");
  });

  test("of anyone's warns of a signature that is missing or bad, and vouches for nothing", async () => {
    const { "/r/sha256sum-amd64.txt.minisig": _, ...noSignature } = FILES;
    const { files } = RELEASE;
    expect(await read(FILES, ANYONE)).toEqual({
      release: { ...RELEASE, signed: false },
      logged: [],
    } as never);
    for (const files of [noSignature, { ...FILES, "/r/sha256sum-amd64.txt.minisig": "x" }]) {
      const { release, logged } = await read(files, ANYONE);
      expect(release).toMatchObject({ version: undefined, signed: false });
      expect(logged).toEqual([expect.stringMatching(/^Warning: The signature of "\/r\/.*" is not good: /)]);
    }
    expect((await read(noSignature, ANYONE)).release?.files).toEqual(files);
  });

  test("of anyone's warns of a missing list; refuses a broken one", async () => {
    expect(await read({}, ANYONE)).toEqual({
      release: {
        ...{ arch: "amd64", version: undefined, timestamp: 0, signed: false },
        ...{ files: new Map(), sizes: new Map() },
      },
      logged: ['Warning: There is no "/r/sha256sum-amd64.txt": its downloads cannot be verified'],
    });
    expect((await read({ "/r/sha256sum-amd64.txt": "<html>\n" }, ANYONE)).error).toContain("Line 1 of the");
  });

  test("of anyone's tells a missing list from a server that cannot be reached", async () => {
    await using server = await serveFiles({});
    using host = testHost();
    const url = `http://127.0.0.1:${server.port}`;
    expect((await readRelease(url, { arch: "arm", trust: ANYONE }, host)).files.size).toBe(0);
    const ftp = (status: number) => {
      const run = async () => {
        throw new CommandError(`curl failed (exit status ${status}): curl: (${status})`);
      };
      return readRelease("ftp://h/r", { arch: "arm", trust: ANYONE }, { ...host, run });
    };
    expect((await ftp(78)).files.size).toBe(0);
    await expect(ftp(7)).rejects.toThrow("curl: (7)");
    const refused = readRelease("http://127.0.0.1:1", { arch: "arm", trust: ANYONE }, host);
    await expect(refused).rejects.toThrow("connection refused");
  });
});

describe("releaseFile()", () => {
  test.each([
    ["https://h/r", "https://h/r/f"],
    ["https://h/r//", "https://h/r/f"],
    ["https://h", "https://h/f"],
    ["https://h/r?a=/b/#c", "https://h/r/f?a=/b/#c"],
    ["http://[fe80::1%25eth0]/r", "http://[fe80::1%25eth0]/r/f"],
    ["file:///r/", "file:///r/f"],
    ["/r/", "/r/f"],
    ["dist/artifacts", "dist/artifacts/f"],
  ])("in %s is %s", (directory, file) => {
    expect(releaseFile(directory, "f")).toBe(file);
  });
});

test("expectedContent() bounds a file by the size that is signed, and any other", () => {
  const release = { ...RELEASE, arch: "amd64" } as const;
  const wanted = { sha256: DIGEST, maxBytes: 5, plainRedirects: false };
  expect(expectedContent(release, "k3os-amd64")).toEqual({ ...wanted, size: 5 });
  expect(expectedContent({ ...release, signed: false }, "k3os-amd64").size).toBeUndefined();
  const unsized = { ...release, sizes: new Map() };
  expect(expectedContent(unsized, "k3os-amd64")).toEqual({ ...wanted, maxBytes: 4 * 2 ** 30 });
  const anyones = { ...release, signed: false, files: new Map(), sizes: new Map() };
  expect(expectedContent(anyones, "x")).toEqual({ maxBytes: 4 * 2 ** 30, plainRedirects: true });
});

test("digestOf() throws for a file that is not listed", () => {
  const release = { ...RELEASE, arch: "amd64" } as const;
  expect(digestOf(release, "k3os-amd64")).toBe(DIGEST);
  expect(() => digestOf(release, "k3os-amd64.iso")).toThrow('The release has no "k3os-amd64.iso"');
});

function hintOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return (error as CommandError).hint;
  }
}

describe("chooseTrust()", () => {
  const builtIn = [makeSecretKey().publicKey];

  test("adds the keys that are given to those compiled in", () => {
    using host = testHost({ files: { "/k.pub": publicKeyFile(KEY.publicKey) } });
    for (const key of [join(host.root, "k.pub"), encodePublicKey(KEY.publicKey)]) {
      const trust = chooseTrust({ keys: [key], insecure: false, builtIn }, host);
      expect(trust).toEqual({ kind: "keys", keys: [...builtIn, KEY.publicKey] });
    }
    expect(host.logged).toEqual([]);
  });

  test("refuses to know no key, and a key that is none", () => {
    using host = testHost();
    const choose = (keys: readonly string[]) => () =>
      chooseTrust({ keys, insecure: false, builtIn: [] }, host);
    expect(choose([])).toThrow("no release key is known to this build");
    expect(hintOf(choose([]))).toContain("--insecure-skip-verify");
    expect(hintOf(() => chooseTrust({ keys: [], builtIn: [] }, host))).toBe("give its public key with --key");
    expect(choose(["/nonexistent"])).toThrow('Cannot read the key "/nonexistent"');
  });

  test("trusts anyone where it is told to, loudly", () => {
    using host = testHost();
    expect(chooseTrust({ keys: [], insecure: true, builtIn }, host)).toEqual(ANYONE);
    expect(host.logged).toEqual([expect.stringMatching(/^Warning: NO SIGNATURE IS VERIFIED: /)]);
  });
});

test("lib/tools/release/release-keys.json holds at most two keys, which can be read", () => {
  expect(COMMITTED_KEYS.length).toBeLessThanOrEqual(MAX_RELEASE_KEYS);
  expect(releaseKeys().map(encodePublicKey)).toEqual([...COMMITTED_KEYS]);
});
