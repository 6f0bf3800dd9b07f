import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { partitionPath } from "../../lib/tools/disk/partitions.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { encodePublicKey } from "../../lib/tools/release/signature-keys.ts";
import { makeDisk, output, whileMounted } from "../support/disk.ts";
import { hurriedClock } from "../support/host.ts";
import { createInstaller } from "../support/installer.ts";
import { serveLoopback } from "../support/loopback.ts";
import { makeMedium } from "../support/medium.ts";
import { makeSecretKey } from "../support/minisign.ts";
import { signedList } from "../support/release.ts";

const NAME = `k3os-${hostTarget().arch}.iso`;

/** A release whose ISO breaks off in the middle, the first time only or always; `ranges`: it can be continued. */
async function serveBreaking(iso: Buffer, { always, ranges }: { always: boolean; ranges: boolean }) {
  const secret = makeSecretKey();
  const signed = signedList({ [NAME]: iso }, { secret, version: "v1.2.3" });
  let breaks = 0;
  const server = await serveLoopback((request, response) => {
    const name = request.url?.slice(1) ?? "";
    if (name !== NAME) return response.end(signed[name]);
    if (request.method === "HEAD") return response.writeHead(200, { "content-length": iso.length }).end();
    const from = ranges ? Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0) : 0;
    const range = from > 0 ? { "content-range": `bytes ${from}-${iso.length - 1}/${iso.length}` } : {};
    response.writeHead(from > 0 ? 206 : 200, { "content-length": iso.length - from, etag: '"1"', ...range });
    if (breaks++ > 0 && !always) return response.end(iso.subarray(from));
    return response.write(iso.subarray(from, from + iso.length / 2), () => response.destroy());
  });
  return { server, url: `${server.origin}/${NAME}`, key: encodePublicKey(secret.publicKey) };
}

/** An installation of an ISO that is really a squashfs image: not every kernel can mount the other. */
async function install(breaking: { always: boolean; ranges: boolean }) {
  using disk = makeDisk();
  using installer = createInstaller();
  const scratch = mkdtempSync(join(tmpdir(), "k3os-download-"));
  const image = join(installer.root, "medium.img");
  output(["mksquashfs", installer.medium, image, "-quiet", "-no-progress"]);
  const { server, url, key } = await serveBreaking(readFileSync(image), breaking);
  await using _server = server;
  const before = disk.hash();
  try {
    const env = { ISO_DEVICE: "", TMPDIR: scratch };
    const result = await installer.run([`--key=${key}`, disk.path, url], { env }).catch(String);
    const changed = disk.hash() !== before;
    return { result, changed, left: readdirSync(scratch), taken: await releaseOn(disk.path, changed) };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Which signed list the installed system remembers. */
async function releaseOn(disk: string, installed: boolean): Promise<string | undefined> {
  if (!installed) return undefined;
  return await whileMounted(partitionPath(disk, 1), (root) => {
    return JSON.parse(readFileSync(join(root, "k3os/system/release.json"), "utf8")).version;
  });
}

test.each([{ ranges: true }, { ranges: false }])(
  "an ISO that breaks off once is fetched all the same, and its release is remembered, %j",
  async (how) => {
    expect(await install({ always: false, ...how })).toEqual({
      ...{ result: 0, changed: true, left: [], taken: "v1.2.3" },
    });
  },
);

test("an ISO that always breaks off leaves the disk as it was, and nothing else", async () => {
  const { result, changed, left } = await install({ always: true, ranges: false });
  expect(result).toContain(`Cannot download "http://127.0.0.1`);
  expect([changed, left]).toEqual([false, []]);
}, 60_000);

describe("with a medium at hand", () => {
  /** A free port of loopback: nobody answers there. */
  const NOWHERE = "http://127.0.0.1:1/k3os-amd64.iso";

  /** An installer in a system that runs from a medium, with a file of its configuration. */
  function createLive(path: string, text: string) {
    const installer = createInstaller();
    makeMedium(join(installer.root, "run/k3os/iso"));
    mkdirSync(dirname(join(installer.root, path)), { recursive: true });
    writeFileSync(join(installer.root, path), text);
    return installer;
  }

  test.each([
    ["k3os/system/config.yaml", `k3os: {install: {iso_url: "${NOWHERE}"}}\n`],
    ["proc/cmdline", `k3os.mode=install k3os.install.iso_url=${NOWHERE}\n`],
    ["proc/cmdline", "k3os.install.iso_url=/not/there.iso\n"],
  ])("an ISO out of reach, which only /%s names, stops nothing", async (path, text) => {
    using disk = makeDisk();
    using installer = createLive(path, text);
    expect(await installer.run([disk.path], { env: { ISO_DEVICE: "" }, clock: hurriedClock() })).toBe(0);
    expect(installer.logged.join("\n")).toMatch(/^Warning: .*(refused|There is no).*: using .*iso instead$/m);
  });

  test("one that this call names does", async () => {
    using disk = makeDisk();
    using installer = createLive("proc/cmdline", "quiet\n");
    const before = disk.hash();
    const run = (argv: string[], env: Record<string, string> = {}) =>
      installer.run(argv, { env: { ISO_DEVICE: "", ...env }, clock: hurriedClock() }).catch(String);
    expect(await run([disk.path, NOWHERE])).toContain("connection refused");
    expect(await run([disk.path], { K3OS_INSTALL_ISO_URL: NOWHERE })).toContain("connection refused");
    expect(disk.hash()).toBe(before);
  });

  test("one that nobody who is trusted has signed does, whoever names it", async () => {
    using disk = makeDisk();
    const { server, url } = await serveBreaking(Buffer.from("an ISO"), { always: false, ranges: true });
    await using _server = server;
    using installer = createLive("proc/cmdline", `k3os.install.iso_url=${url}\n`);
    const key = encodePublicKey(makeSecretKey().publicKey);
    const result = await installer
      .run([`--key=${key}`, disk.path], { env: { ISO_DEVICE: "" } })
      .catch(String);
    expect(result).toContain("Signed by the unknown key ");
  });

  test("one that the boot has fetched is not fetched again", async () => {
    using disk = makeDisk();
    using installer = createLive("proc/cmdline", `k3os.install.iso_url=${NOWHERE}\n`);
    writeFileSync(join(installer.root, "run/k3os/iso-url"), NOWHERE);
    writeFileSync(join(installer.root, "run/k3os/release.json"), '{"version":"v4","timestamp":1}\n');
    expect(await installer.run([disk.path], { env: { ISO_DEVICE: "" } })).toBe(0);
    expect(await releaseOn(disk.path, true)).toBe("v4");
    expect(installer.logged.filter((line) => line.startsWith("Warning"))).toEqual([]);
  });
});
