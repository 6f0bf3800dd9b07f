import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { BuildContext } from "../../../../lib/make/build/context.ts";
import { runStep } from "../../../../lib/make/build/run-step.ts";
import { k3sCachePath } from "../../../../lib/make/image/k3s-cache.ts";
import { releasedK3s, resolveK3s, versionIn } from "../../../../lib/make/image/resolve-k3s.ts";
import { serveFiles } from "../../../../lib/make/vm/http-server.ts";
import { runProgram } from "../../../../lib/tools/host/host.ts";
import { type Arch, hostTarget, targetOf } from "../../../../lib/tools/host/targets.ts";
import { STABLE_K3S } from "../../../../lib/tools/release/k3s-release.ts";
import type { TestHost } from "../../../support/host.ts";
import { testHost } from "../../../support/host.ts";
import { k3sProgram } from "../../../support/k3s-program.ts";
import { PROJECT } from "../../../support/sources.ts";

const AMD64 = targetOf("amd64");
const OPTIONS = { signed: false } as const;
/** The programs of this test are for amd64. */
const runs = test.skipIf(hostTarget().arch !== "amd64");

/** A build with its cache below the host's root, which runs programs and reaches no server but this machine. */
function contextOf(host: TestHost): Pick<BuildContext, "make" | "host"> {
  const offline = { https_proxy: "http://127.0.0.1:1", no_proxy: "127.0.0.1" };
  const ours = { ...host, run: runProgram, env: { XDG_CACHE_HOME: `${host.root}/cache`, ...offline } };
  const environment = { host: ours, project: PROJECT, cache: host.root, sharedCache: host.root };
  return { host: ours, make: (step, work) => runStep(step, work, environment) };
}

/** Puts a program into the cache of downloads, as a version. */
function cache(version: string, program: Buffer, host: TestHost, arch: Arch = "amd64"): string {
  const file = k3sCachePath(version, arch, { XDG_CACHE_HOME: `${host.root}/cache` });
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, program, { mode: 0o755 });
  return file;
}

function put(name: string, program: Buffer, host: TestHost): string {
  const file = join(host.root, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, program, { mode: 0o755 });
  return file;
}

function resolve(
  wanted: string | undefined,
  host: TestHost,
  options: Parameters<typeof resolveK3s>[2] = OPTIONS,
) {
  return resolveK3s(wanted, AMD64, options, contextOf(host));
}

test("versionIn() reads the release's tag in a path or URL, encoded or not", () => {
  expect(versionIn("https://x/download/v1.36.3%2Bk3s1/k3s")).toBe("v1.36.3+k3s1");
  expect(versionIn("https://x/download/v1.36.3-rc1%2bk3s1/k3s-arm64")).toBe("v1.36.3-rc1+k3s1");
  expect(versionIn("k3s/v1.36.3+k3s1/amd64/k3s")).toBe("v1.36.3+k3s1");
  expect(versionIn("https://x/k3s")).toBeUndefined();
  expect(versionIn("/v1.36/k3s")).toBeUndefined();
});

describe("resolveK3s() with none", () => {
  test("names the release after the stable k3s, which the first boot downloads", async () => {
    using host = testHost();
    expect(await resolve("none", host)).toEqual({ version: STABLE_K3S, executable: undefined });
    expect(host.logged.join()).toContain(`without k3s, as told: the first boot downloads ${STABLE_K3S}`);
  });
});

describe("resolveK3s() with a path", () => {
  runs("takes a program with the version that it prints, never the pin", async () => {
    using host = testHost();
    const found = await resolve(put("mine", k3sProgram("v1.30.1+k3s2"), host), host);
    expect(found.version).toBe("v1.30.1+k3s2");
    expect(found.executable?.path).toBe(`${host.root}/mine`);
  });

  runs("gives two programs two versions, or at least two digests", async () => {
    using host = testHost();
    const [a, b, c] = [
      await resolve(put("a", k3sProgram("v1.36.3+k3s1"), host), host),
      await resolve(put("b", k3sProgram("v1.37.1+k3s1"), host), host),
      await resolve(
        put("c", k3sProgram("v1.36.3+k3s1", { prints: "k3s version v1.36.3+k3s1\n" }), host),
        host,
      ),
    ];
    expect([a.version, b.version, c.version]).toEqual(["v1.36.3+k3s1", "v1.37.1+k3s1", "v1.36.3+k3s1"]);
    expect(a.executable?.digest).not.toBe(c.executable?.digest);
  });

  test("refuses a file that is not there, and says what may be given", async () => {
    using host = testHost();
    await expect(resolve("/no/such/k3s", host)).rejects.toMatchObject({
      message: 'Cannot find the k3s "/no/such/k3s"',
      hint: expect.stringContaining("a Kubernetes minor (v1.36), a release (v1.36.3+k3s1), a path"),
    });
  });

  const REFUSED: [string, Buffer, string][] = [
    ["for another architecture", k3sProgram(STABLE_K3S, { arch: "arm64" }), "for amd64: it is for arm64"],
    ["that is truncated", k3sProgram(STABLE_K3S).subarray(0, -1), "it is truncated: expected at least"],
    ["that is a script", Buffer.from("#!/bin/sh\nexit 0\n"), "expected an ELF program"],
  ];
  test.each(REFUSED)("refuses a k3s %s", async (_, program, message) => {
    using host = testHost();
    await expect(resolve(put("k3s", program, host), host)).rejects.toThrow(message);
  });

  runs(
    "refuses a k3s that exits at once, without a version, or with another than its directory's",
    async () => {
      using host = testHost();
      const failing = put("failing", k3sProgram(STABLE_K3S, { status: 1 }), host);
      await expect(resolve(failing, host)).rejects.toThrow('"k3s --version" ended with status 1');
      const silent = put("silent", k3sProgram(STABLE_K3S, { prints: "" }), host);
      await expect(resolve(silent, host)).rejects.toThrow("Cannot read the version");
      const other = put("v1.37.0+k3s1/k3s", k3sProgram("v1.36.3+k3s1"), host);
      await expect(resolve(other, host)).rejects.toThrow(
        `"${other}" is k3s v1.36.3+k3s1, expected v1.37.0+k3s1 by its name`,
      );
    },
  );
});

describe("resolveK3s() with a URL", () => {
  runs("downloads it, with the version that it prints", async () => {
    using host = testHost();
    await using server = await serveFiles({ "/v1.30.1%2Bk3s2/k3s": k3sProgram("v1.30.1+k3s2") });
    const found = await resolve(`http://127.0.0.1:${server.port}/v1.30.1%2Bk3s2/k3s`, host);
    expect(found.version).toBe("v1.30.1+k3s2");
    expect(readFileSync(found.executable?.path ?? "")).toEqual(k3sProgram("v1.30.1+k3s2"));
  });

  test("fails for one that the server does not have", async () => {
    using host = testHost();
    await using server = await serveFiles({});
    await expect(resolve(`http://127.0.0.1:${server.port}/k3s`, host)).rejects.toThrow("404");
  });
});

describe("resolveK3s() with a release", () => {
  runs.each([
    [undefined, STABLE_K3S],
    ["v1.36", "v1.36.3+k3s1"],
    ["v1.35", "v1.35.9+k3s1"],
    ["v1.36.2+k3s1", "v1.36.2+k3s1"],
  ])("takes %p from the cache: %s", async (wanted, version) => {
    using host = testHost();
    const file = cache(version, k3sProgram(version), host);
    const found = await resolve(wanted, host);
    expect([found.version, found.executable?.path]).toEqual([version, file]);
    expect(host.logged.join("\n")).toContain(`k3s ${version} for amd64, from the cache: "${file}"`);
  });

  runs("refuses one of the cache that is not what its directory says", async () => {
    using host = testHost();
    const file = cache(STABLE_K3S, k3sProgram("v1.30.1+k3s2"), host);
    await expect(resolve(undefined, host)).rejects.toMatchObject({
      message: `"${file}" is k3s v1.30.1+k3s2, expected ${STABLE_K3S} by its name`,
      hint: "remove it, or move it to the directory of its version",
    });
    cache(STABLE_K3S, k3sProgram(STABLE_K3S, { arch: "arm64" }), host);
    await expect(resolve(undefined, host)).rejects.toThrow("it is for arm64");
  });

  runs("downloads one to the cache, checked against what is pinned or published", async () => {
    using host = testHost();
    const program = k3sProgram("v1.35.9+k3s1");
    const sha256 = createHash("sha256").update(program).digest("hex");
    await using server = await serveFiles({ "/k3s": program, "/sums": `${sha256}  k3s\n` });
    const origin = `http://127.0.0.1:${server.port}`;
    const release = {
      version: "v1.35.9+k3s1",
      url: `${origin}/k3s`,
      sums: `${origin}/sums`,
      sha256: undefined,
    };
    const wrong = { ...release, sha256: "0".repeat(64) };
    await expect(releasedK3s(wrong, AMD64, OPTIONS, contextOf(host))).rejects.toThrow("is not the expected");
    const file = k3sCachePath(release.version, "amd64", { XDG_CACHE_HOME: `${host.root}/cache` });
    expect(existsSync(file)).toBe(false);
    const found = await releasedK3s(release, AMD64, OPTIONS, contextOf(host));
    expect([found.version, found.executable?.path]).toEqual([release.version, file]);
    expect(readFileSync(file)).toEqual(program);
  });

  test("gives none when it is neither in the cache nor reachable, and says so", async () => {
    using host = testHost();
    const found = await resolve("v1.35", host);
    expect(found).toEqual({ version: "v1.35.9+k3s1", executable: undefined });
    expect(host.logged.join("\n")).toContain(
      "The images are without k3s, which the first boot then downloads",
    );
    expect(readdirSync(`${host.root}/cache/k3os/k3s`)).toEqual([]);
  });

  test("needs nothing for the version alone", async () => {
    using host = testHost();
    const found = await resolve("v1.35", host, { signed: false, versionOnly: true });
    expect(found).toEqual({ version: "v1.35.9+k3s1", executable: undefined });
    expect(host.logged).toEqual([]);
  });

  test("refuses a minor that is not in the table", async () => {
    using host = testHost();
    await expect(resolve("v1.9", host)).rejects.toThrow("No k3s of Kubernetes v1.9 is known");
  });
});

describe("resolveK3s() with a k3s that is not pinned", () => {
  const program = k3sProgram("v1.35.9+k3s1");
  const digest = createHash("sha256").update(program).digest("hex");
  const reason = `k3s v1.35.9+k3s1 for amd64 is not pinned in lib/tools/release/k3s-releases.json: its sha256 is ${digest}`;

  runs("warns", async () => {
    using host = testHost();
    cache("v1.35.9+k3s1", program, host);
    await resolve("v1.35", host);
    expect(host.logged).toContain(`Warning: ${reason}`);
  });

  runs("refuses to sign it", async () => {
    using host = testHost();
    cache("v1.35.9+k3s1", program, host);
    await expect(resolve("v1.35", host, { signed: true })).rejects.toThrow(`Refusing to sign: ${reason}`);
    const other = resolve(put("k3s", k3sProgram(STABLE_K3S), host), host, { signed: true });
    await expect(other).rejects.toThrow(`is not the k3s ${STABLE_K3S} of its release: its sha256 is `);
  });
});
