import { describe, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as later } from "node:timers/promises";
import { runProgram } from "../../lib/tools/host/host.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { patchName } from "../../lib/tools/release/release-part.ts";
import { type FlakyServer, serveFlaky } from "../support/flaky-server.ts";
import { ELF_START } from "../support/tarball.ts";
import { createUpgrader, K3S, OLD, type ReleaseOptions, type Upgrader } from "../support/upgrader.ts";

const { arch } = hostTarget();
const NEW = "v0.31.0";
const USERLAND = `k3os-userland-${arch}.squashfs`;
const CONTENT = randomBytes(1 << 20).toString("hex");
const SIZE = Buffer.byteLength(`${CONTENT} of k3os.squashfs`);

const current = ({ system }: Upgrader, component: string) => readlinkSync(join(system, component, "current"));
const downloads = (upgrader: Upgrader) => upgrader.look().filter((line) => line.startsWith(".download"));
const sha256 = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");

/** A release in parts, at a server that may be troublesome. */
async function setUp(options: ReleaseOptions = {}) {
  const upgrader = createUpgrader();
  const directory = await upgrader.release(NEW, { content: CONTENT, parts: true, ...options });
  const server = await serveFlaky(directory);
  const env = { K3OS_RELEASE_URL: server.origin, K3OS_VERSION: NEW };
  return {
    upgrader,
    server,
    directory,
    env,
    run: (...argv: string[]) => upgrader.run(["upgrade-rootfs", ...argv], env),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      upgrader[Symbol.dispose]();
    },
  };
}

/** Starts an upgrade, and kills it when the stalled server has sent what it does. */
async function killWhenStalled(
  { upgrader, server, env }: { upgrader: Upgrader; server: FlakyServer; env: Record<string, string> },
  signal: NodeJS.Signals,
): Promise<void> {
  const partial = () => downloads(upgrader).find((line) => line.includes(`${USERLAND}.partial`));
  const child = upgrader.start(["upgrade-rootfs"], env);
  const ended = once(child, "exit");
  const { system } = upgrader;
  for (;;) {
    const name = partial()?.split(":")[0];
    if (name !== undefined && statSync(join(system, name)).size >= (server.trouble?.stallAfter ?? 0)) break;
    if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}`);
    await later(20);
  }
  child.kill(signal);
  await ended;
}

function expectNew(upgrader: Upgrader): void {
  expect([current(upgrader, "k3os"), current(upgrader, "k3s")]).toEqual([NEW, K3S]);
  const path = join(upgrader.system, "k3os", NEW);
  expect(readFileSync(join(path, "k3os"), "utf8")).toBe(`${ELF_START}${CONTENT} of k3os`);
  expect(readFileSync(join(path, "k3os.squashfs"), "utf8")).toBe(`${CONTENT} of k3os.squashfs`);
  expect(downloads(upgrader)).toEqual([]);
}

describe("a download that is cut off", () => {
  test.each(["SIGKILL", "SIGTERM"] as const)("by %s is continued by the next upgrade", async (signal) => {
    await using all = await setUp();
    const { upgrader, server, run } = all;
    server.trouble = { name: USERLAND, stallAfter: 1_000_000 };
    await killWhenStalled(all, signal);
    expect(current(upgrader, "k3os")).toBe(OLD.k3os);
    expect(existsSync(join(upgrader.system, "k3os", NEW))).toBe(false);
    server.trouble = undefined;
    const { code, stderr } = await run();
    expect(code).toBe(0);
    expect(stderr).toContain("Continuing the download");
    expectNew(upgrader);
    // no byte of any file twice
    expect(server.sent.get(USERLAND)).toBe(SIZE);
    expect(server.sent.get(`k3os-${arch}`)).toBe(statSync(join(all.directory, `k3os-${arch}`)).size);
  });

  test.each([
    ["answers a range with everything", { ignoresRange: true }],
    ["answers with another range", { wrongRange: true }],
  ])("starts again at a server that %s", async (_, trouble) => {
    await using all = await setUp();
    const { upgrader, server, run } = all;
    server.trouble = { name: USERLAND, stallAfter: 1_000_000 };
    await killWhenStalled(all, "SIGKILL");
    server.trouble = { name: USERLAND, ...trouble };
    expect((await run()).code).toBe(0);
    expectNew(upgrader);
  });

  test("is not continued with what a power cut has damaged", async () => {
    await using all = await setUp();
    const { upgrader, server, run } = all;
    server.trouble = { name: USERLAND, stallAfter: 1_000_000 };
    await killWhenStalled(all, "SIGKILL");
    const name = downloads(upgrader).find((line) => line.endsWith(`${USERLAND}.partial`)) ?? "";
    writeFileSync(join(upgrader.system, name), Buffer.alloc(900_000));
    server.trouble = undefined;
    const { code, stderr } = await run();
    expect([code, stderr]).toEqual([0, expect.stringContaining("starts again now")]);
    expectNew(upgrader);
  });

  test("is not continued with the file of another release", async () => {
    await using all = await setUp();
    const { upgrader, server, run } = all;
    server.trouble = { name: USERLAND, stallAfter: 1_000_000 };
    await killWhenStalled(all, "SIGKILL");
    server.trouble = undefined;
    const other = `${CONTENT}x`;
    await upgrader.release(NEW, { content: other, parts: true });
    expect((await run()).code).toBe(0);
    expect(readFileSync(join(upgrader.system, "k3os", NEW, "k3os.squashfs"), "utf8")).toBe(
      `${other} of k3os.squashfs`,
    );
    expect(server.requests.every(({ headers }) => headers.range === undefined)).toBe(true);
  });

  test.each([
    ["is longer than it should be", { appends: "more" }, "larger than"],
    ["redirects to another scheme", { redirect: "file:///etc/passwd" }, "refused to follow the redirect"],
  ])("is refused where the server %s", async (_, trouble, message) => {
    await using all = await setUp();
    const { upgrader, server, run } = all;
    server.trouble = { name: USERLAND, ...trouble };
    const { code, stderr } = await run();
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
    expect(current(upgrader, "k3os")).toBe(OLD.k3os);
  });
});

describe("an upgrade", () => {
  test("fetches only what the node lacks", async () => {
    await using all = await setUp();
    const { upgrader, server, run } = all;
    mkdirSync(join(upgrader.system, "k3s", K3S));
    writeFileSync(join(upgrader.system, "k3s", K3S, "k3s"), readFileSync(join(all.directory, `k3s-${arch}`)));
    writeFileSync(join(upgrader.system, "k3os", OLD.k3os, "k3os.squashfs"), `${CONTENT} of k3os.squashfs`);
    const shown = await run("--dry-run");
    expect(shown.stdout).toContain(`k3os-${arch} (2.0 MiB)\n  ${USERLAND}: on this node already\n`);
    expect((await run()).code).toBe(0);
    expectNew(upgrader);
    expect([...server.sent.keys()].filter((name) => /^k3/.test(name) && !name.includes("version"))).toEqual([
      `k3os-${arch}`,
    ]);
  });

  test("fetches the difference from a file that the node has", async () => {
    const old = Buffer.from(`${CONTENT.slice(0, 1_500_000)} of an older userland`);
    using scratch = createUpgrader();
    const [was, is, patch] = ["was", "is", "patch"].map((name) => join(scratch.releases, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(was, old);
    writeFileSync(is, `${CONTENT} of k3os.squashfs`);
    await runProgram(["zstd", "--quiet", `--patch-from=${was}`, is, "-o", patch]);
    const name = patchName(USERLAND, sha256(old));
    await using all = await setUp({ more: { [name]: readFileSync(patch) } });
    writeFileSync(join(all.upgrader.system, "k3os", OLD.k3os, "k3os.squashfs"), old);
    expect((await all.run()).code).toBe(0);
    expectNew(all.upgrader);
    expect(all.server.sent.has(USERLAND)).toBe(false);
    expect(all.server.sent.get(name)).toBeLessThan(400_000);
  });

  test("downloads no faster than it may", async () => {
    await using all = await setUp();
    const started = performance.now();
    expect((await all.run("--limit-rate", "2M")).code).toBe(0);
    // two files of 2 MiB
    expect(performance.now() - started).toBeGreaterThan(1900);
    expectNew(all.upgrader);
  });

  test("does nothing outside of its window, and continues in the next one", async () => {
    await using all = await setUp();
    const { upgrader, server, run } = all;
    const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const closed = `${days[(new Date().getDay() + 3) % 7]} 02:00-03:00`;
    const before = upgrader.look();
    const refused = await run("--window", closed);
    expect([refused.code, refused.stderr]).toEqual([
      4,
      expect.stringContaining("No window for upgrades is open now"),
    ]);
    expect([upgrader.look(), server.requests.length]).toEqual([before, 0]);
    expect((await run("--window", `${closed}; 00:00-24:00`)).code).toBe(0);
    expectNew(upgrader);
  });
});
