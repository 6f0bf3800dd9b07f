import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createReadStream, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createBuildContext } from "../../lib/make/build/context.ts";
import { buildExecutable } from "../../lib/make/executable/executable.ts";
import { pinnedInstaller } from "../../lib/make/image/pinned-installer.ts";
import { writeChecksums } from "../../lib/make/image/signing.ts";
import { partitionPath } from "../../lib/tools/disk/partitions.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { encodePublicKey } from "../../lib/tools/release/signature-keys.ts";
import { makeSigningKey, openSigningKey } from "../../lib/tools/release/signing-key.ts";
import { CERTIFICATE, CERTIFICATE_KEY } from "../support/certificate.ts";
import { makeDisk, whileMounted } from "../support/disk.ts";
import { type Loopback, serveLoopback } from "../support/loopback.ts";
import { makeMedium } from "../support/medium.ts";

/**
 * Installs by the line of the README, over https, from a release whose key the executable and install.sh contain: nobody
 * names a key. `--force`: a machine that runs tests has no disk to spare but one in a file.
 */
const target = hostTarget();
const VERSION = "v0.99.1-k3s1r0";
const ISO = `k3os-${target.arch}.iso`;
const NAMES = [`k3os-${target.arch}`, ISO, "install.sh"];
const MINUTE = 60_000;

let directory: string;
let server: Loopback;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "k3os-release-"));
  const [own, stranger] = [await makeKey("own"), await makeKey("stranger")];
  const releaseKeys = [encodePublicKey(own.publicKey)];
  const context = { ...createBuildContext({ releaseKeys }), artifacts: directory, version: VERSION };
  await buildExecutable(target, context);
  writeFileSync(join(directory, "install.sh"), readFileSync(pinnedInstaller(context)));
  // really a squashfs image: not every kernel can mount the other
  makeMedium(join(directory, "medium"));
  await runProgram(["mksquashfs", join(directory, "medium"), join(directory, ISO), "-quiet", "-no-progress"]);
  writeFileSync(join(directory, "node.yaml"), "hostname: released\n");
  writeFileSync(join(directory, "ca.pem"), CERTIFICATE);
  // the same files, as a stranger would sign them
  const strange = join(directory, "stranger");
  await runProgram(["mkdir", strange]);
  await runProgram(["ln", ...NAMES.map((name) => join(directory, name)), strange]);
  await writeChecksums(target, { names: NAMES, key: own }, context);
  await writeChecksums(target, { names: NAMES, key: stranger }, { ...context, artifacts: strange });
  server = await serveLoopback(
    (request, response) => {
      const isStrange = request.url?.startsWith("/stranger/");
      const path = join(isStrange ? strange : directory, basename(request.url ?? ""));
      const found = statSync(path, { throwIfNoEntry: false });
      if (!found?.isFile()) return response.writeHead(404).end();
      response.writeHead(200, { "content-length": found.size });
      if (request.method === "HEAD") return response.end();
      return createReadStream(path, { highWaterMark: 1 << 20 }).pipe(response);
    },
    { tls: { cert: CERTIFICATE, key: CERTIFICATE_KEY } },
  );
}, 10 * MINUTE);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

async function makeKey(name: string) {
  const file = join(directory, `${name}.key`);
  await makeSigningKey(file, { run: runProgram });
  return await openSigningKey(file, { env: {}, run: runProgram });
}

/** Runs the README's line for a disk, from the release at a path of the server. */
async function install(path: string, disk: string) {
  const base = `${server.origin}/${path}`;
  const line = `curl -sfL ${base}/install.sh | bash -s -- --force --config ${server.origin}/node.yaml ${disk}`;
  const certificate = join(directory, "ca.pem");
  const env = { CURL_CA_BUNDLE: certificate, SSL_CERT_FILE: certificate, K3OS_RELEASE_URL: base };
  return await runProgram(["bash", "-o", "pipefail", "-c", line], { env, check: false });
}

describe("curl … | bash", () => {
  test(
    "installs a release whose key is built in",
    async () => {
      using disk = makeDisk();
      const { code, stderr } = await install("releases/latest/download", disk.path);
      expect([code, stderr.includes("is not verified")]).toEqual([0, false]);
      await whileMounted(partitionPath(disk.path, 1), (root) => {
        const { version, expires } = JSON.parse(readFileSync(join(root, "k3os/system/release.json"), "utf8"));
        expect(version).toBe(VERSION);
        expect(expires).toBeGreaterThan(Date.now() / 1000);
        expect(readFileSync(join(root, "k3os/system/config.yaml"), "utf8")).toContain("released");
      });
    },
    10 * MINUTE,
  );

  test(
    "refuses one that a stranger has signed, and leaves the disk as it was",
    async () => {
      using disk = makeDisk();
      const before = disk.hash();
      const { code, stderr } = await install("stranger", disk.path);
      expect(code).toBe(1);
      expect(stderr).toContain("signed by none of the keys");
      expect(disk.hash()).toBe(before);
    },
    10 * MINUTE,
  );
});
