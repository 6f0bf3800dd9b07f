import { describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, lstatSync, readFileSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { serveFiles } from "../../lib/make/vm/http-server.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { makeSecretKey } from "../support/minisign.ts";
import { ELF_START, releaseEntries, tar } from "../support/tarball.ts";
import {
  createUpgrader,
  EXECUTABLE,
  K3S,
  KERNEL,
  k3sOf,
  OLD,
  refusal,
  type Upgrader,
} from "../support/upgrader.ts";

const { arch } = hostTarget();
const TARBALL = `k3os-rootfs-${arch}.tar.gz`;
const NEW = "v0.31.0";
const VERSION = { K3OS_VERSION: NEW };

const current = ({ system }: Upgrader, component: string, link = "current") =>
  readlinkSync(join(system, component, link));

describe("k3os upgrade-rootfs", () => {
  test("makes a release current, keeps what was, and has nothing to do then", async () => {
    using upgrader = createUpgrader();
    await upgrader.release(NEW);
    const first = await upgrader.run(["upgrade-rootfs"], VERSION);
    expect([first.code, first.stdout]).toEqual([
      0,
      `Upgrading k3os to ${NEW}\nUpgrade complete! Please reboot.\n`,
    ]);
    const look = upgrader.look();
    expect(look.filter((line) => !/^(kernel|trial|release)/.test(line))).toEqual([
      "k3os",
      `k3os/current -> ${NEW}`,
      `k3os/previous -> ${OLD.k3os}`,
      `k3os/${OLD.k3os}`,
      `k3os/${OLD.k3os}/k3os: old`,
      `k3os/${NEW}`,
      `k3os/${NEW}/k3os: ${ELF_START}${NEW} of k3os`,
      `k3os/${NEW}/k3os.squashfs: ${NEW} of k3os.squashfs`,
      "k3s",
      `k3s/current -> ${K3S}`,
      `k3s/previous -> ${OLD.k3s}`,
      `k3s/${OLD.k3s}`,
      `k3s/${OLD.k3s}/k3s: old`,
      `k3s/${K3S}`,
      `k3s/${K3S}/k3s`,
    ]);
    expect(current(upgrader, "kernel")).toBe(OLD.kernel);
    const second = await upgrader.run(["upgrade-rootfs"], VERSION);
    expect([second.code, second.stdout]).toEqual([
      0,
      `There is nothing to do: k3os ${NEW} is the current version\n`,
    ]);
    expect(upgrader.look()).toEqual(look);
  });

  test("repairs the current version with --force, by its original's name, too", async () => {
    using upgrader = createUpgrader();
    const directory = await upgrader.release(NEW);
    const link = join(upgrader.releases, "k3os-upgrade-rootfs");
    symlinkSync(EXECUTABLE, link);
    const run = () =>
      runProgram(["sh", "-c", 'exec "$@"', "sh", link, ...upgrader.options, "--force"], {
        env: { K3OS_RELEASE_URL: directory },
      });
    await run();
    const look = upgrader.look();
    await runProgram(["sh", "-c", `echo damage > ${join(upgrader.system, "k3os", NEW, "k3os")}`]);
    await run();
    expect(upgrader.look()).toEqual(look);
  });

  test("goes back to an older version only if told to", async () => {
    using upgrader = createUpgrader();
    await upgrader.release("v0.9.0");
    const run = (...argv: string[]) => upgrader.run(["upgrade-rootfs", ...argv], { K3OS_VERSION: "v0.9.0" });
    expect(await refusal(upgrader, run)).toContain(
      `Refusing to go back from k3os ${OLD.k3os} to the older v0.9.0`,
    );
    expect((await run("--allow-downgrade")).code).toBe(0);
    expect(current(upgrader, "k3os")).toBe("v0.9.0");
  });

  test("shows with --dry-run what it would do", async () => {
    using upgrader = createUpgrader();
    const directory = await upgrader.release(NEW);
    const before = upgrader.look();
    const { code, stdout } = await upgrader.run(["upgrade-rootfs", "--dry-run"], VERSION);
    const size = lstatSync(join(directory, TARBALL)).size;
    expect([code, stdout]).toEqual([
      0,
      `k3os: ${OLD.k3os} → ${NEW}\n  ${join(directory, TARBALL)} (${size} B)\n`,
    ]);
    expect(upgrader.look()).toEqual(before);
  });

  test("is root's", async () => {
    using upgrader = createUpgrader();
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", EXECUTABLE];
    const ended = await runProgram([...nobody, "upgrade-rootfs"], { check: false });
    expect([ended.code, ended.stderr]).toEqual([1, "Error: Must be run as root\n"]);
    expect(upgrader.look().length).toBeGreaterThan(0);
  });

  test.each([
    ["is not there", {}, "v9.9.9", "Cannot find release v9.9.9: there is no "],
    ["has another content", { changed: { [TARBALL]: "x" } }, NEW, "it has 1 bytes, expected "],
    ["has another list", { changed: { [`sha256sum-${arch}.txt`]: "" } }, NEW, "Verifying "],
    ["is signed by another", { secret: makeSecretKey() }, NEW, "unknown key"],
    ["is signed as another", { signedAs: "v0.32.0" }, NEW, "its list is signed for v0.32.0"],
    ["is made of an error page", { archive: Buffer.from("<html>") }, NEW, "not a complete .tar.gz"],
  ] as const)("refuses a release that %s", async (_, release, version, message) => {
    using upgrader = createUpgrader();
    await upgrader.release(NEW, release);
    const run = () => upgrader.run(["upgrade-rootfs"], { K3OS_VERSION: version });
    expect(await refusal(upgrader, run)).toContain(message);
  });

  test("refuses what was appended after it was signed", async () => {
    using upgrader = createUpgrader();
    const directory = await upgrader.release(NEW);
    const archive = Buffer.concat([readFileSync(join(directory, TARBALL)), Buffer.alloc(9)]);
    await upgrader.release(NEW, { changed: { [TARBALL]: archive } });
    const run = () => upgrader.run(["upgrade-rootfs"], VERSION);
    await refusal(upgrader, run);
  });

  test("refuses a flood of zeros behind the archive", async () => {
    using upgrader = createUpgrader();
    const zeros = gzipSync(Buffer.alloc(1 << 26));
    const whole = gzipSync(await tar(releaseEntries(NEW)));
    const archive = Buffer.concat([whole, ...Array.from({ length: 33 }, () => zeros)]);
    await upgrader.release(NEW, { archive });
    const run = () => upgrader.run(["upgrade-rootfs"], VERSION);
    expect(await refusal(upgrader, run)).toContain("unpacks to more than 2.0 GiB");
  });

  test("takes the latest from a server", async () => {
    using upgrader = createUpgrader();
    const directory = await upgrader.release(NEW);
    const names = [TARBALL, `sha256sum-${arch}.txt`, `sha256sum-${arch}.txt.minisig`];
    const files = names.map((name) => [`/latest/download/${name}`, { file: join(directory, name) }]);
    await using server = await serveFiles(Object.fromEntries(files));
    const url = `http://127.0.0.1:${server.port}/latest/download`;
    const { code } = await upgrader.run(["upgrade-rootfs"], { K3OS_RELEASE_URL: url });
    expect([code, current(upgrader, "k3os")]).toEqual([0, NEW]);
  });

  test("waits for no other upgrade", async () => {
    using upgrader = createUpgrader();
    await upgrader.release(NEW);
    const lock = upgrader.options[3] ?? "";
    await upgrader.run(["upgrade-rootfs", "--dry-run"], VERSION);
    const locked = () =>
      runProgram(["flock", lock, EXECUTABLE, "upgrade-rootfs", ...upgrader.options], { check: false });
    expect(await refusal(upgrader, locked)).toContain("Another upgrade is running");
  });

  test("makes a read-only system writable for as long as it needs", async () => {
    using upgrader = createUpgrader();
    await upgrader.release(NEW);
    const script = `
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
shift
"$@" >&2 || echo "failed: $?"
findmnt --noheadings --output OPTIONS "$SYSTEM"`;
    const inside = async (env: Record<string, string>) => {
      const argv = ["unshare", "--mount", "sh", "-c", script, "sh", upgrader.system, EXECUTABLE];
      const options = ["upgrade-rootfs", ...upgrader.options];
      const all = { SYSTEM: upgrader.system, K3OS_RELEASE_URL: upgrader.releases, ...env };
      return (await runProgram([...argv, ...options], { env: all })).stdout;
    };
    expect(await inside({ K3OS_VERSION: "v9.9.9" })).toMatch(/^failed: 1\nro,/);
    expect(await inside(VERSION)).toMatch(/^ro,/);
    expect(current(upgrader, "k3os")).toBe(NEW);
  });

  test.each([
    ["has no room", "size=1m", "There is no room for "],
    ["cannot be written to", "size=9m,ro", "Cannot write to "],
  ])("leaves nothing on a file system that %s", async (_, options, message) => {
    using upgrader = createUpgrader();
    await upgrader.release(NEW, { content: randomBytes(1 << 20).toString("hex") });
    const script = `
set -e
mount -t tmpfs -o ${options} tmpfs "$1"
system=$1
shift
"$@" || echo "failed: $?"
find "$system" -mindepth 1`;
    const argv = ["unshare", "--mount", "sh", "-c", script, "sh", upgrader.system, EXECUTABLE];
    const ended = await runProgram([...argv, "upgrade-rootfs", ...upgrader.options], {
      env: { K3OS_RELEASE_URL: upgrader.releases, ...VERSION },
    });
    expect(ended.stdout).toBe(`Upgrading k3os to ${NEW}\nfailed: 1\n`);
    expect(ended.stderr).toContain(message);
  });
});

describe("k3os upgrade-rootfs that is killed", () => {
  const content = randomBytes(1 << 20).toString("hex");

  /** Kills an upgrade at a moment; the system must be the old or the new one, and the next upgrade succeed. */
  async function killAt(moment: (upgrader: Upgrader, started: number) => boolean): Promise<void> {
    using upgrader = createUpgrader();
    await upgrader.release(NEW, { content });
    const child = upgrader.start(["upgrade-rootfs"], VERSION);
    const ended = once(child, "exit");
    const started = performance.now();
    while (child.exitCode === null && !moment(upgrader, started)) await setImmediate();
    child.kill("SIGKILL");
    await ended;
    for (const [component, versions] of [
      ["k3os", [OLD.k3os, NEW]],
      ["k3s", [OLD.k3s, K3S]],
    ] as const) {
      const version = current(upgrader, component);
      expect(versions.some((known) => known === version)).toBe(true);
      const file = readFileSync(join(upgrader.system, component, version, component), "utf8");
      const whole = component === "k3s" ? k3sOf(K3S, content).toString() : `${ELF_START}${content} of k3os`;
      expect(file === (version === versions[0] ? "old" : whole)).toBe(true);
    }
    const again = await upgrader.run(["upgrade-rootfs", "--force"], VERSION);
    expect(again.code).toBe(0);
    expect([current(upgrader, "k3os"), current(upgrader, "k3s")]).toEqual([NEW, K3S]);
    expect(upgrader.look().filter((line) => line.includes("partial"))).toEqual([]);
    expect(current(upgrader, "k3os", "previous")).toBe(OLD.k3os);
  }

  const exists = (name: string) => (upgrader: Upgrader) => {
    return lstatSync(join(upgrader.system, name), { throwIfNoEntry: false }) !== undefined;
  };

  test.each([
    ["as it begins to unpack", exists(`k3os/.${NEW}.partial`)],
    ["within the first file", exists(`k3os/.${NEW}.partial/k3os`)],
    ["as it unpacks the next component", exists(`k3s/.${K3S}.partial/k3s`)],
    ["with one component in place", exists(`k3os/${NEW}`)],
    ["with all components in place", exists(`k3s/${K3S}`)],
    ["as it switches", exists("k3os/previous")],
    ["with one component switched", (upgrader: Upgrader) => current(upgrader, "k3os") === NEW],
    ["as it switches the last", exists("k3s/previous")],
  ])("%s leaves the old or the new system", async (_, moment) => {
    await killAt(moment);
  });

  test("at any time leaves the old or the new system", async () => {
    for (let time = 10; time < 400; time += 30)
      await killAt((_, started) => performance.now() - started > time);
  });

  test("leaves the old system when it is only told to end, and nothing else", async () => {
    using upgrader = createUpgrader();
    await upgrader.release(NEW, { content });
    const before = upgrader.look();
    const child = upgrader.start(["upgrade-rootfs"], VERSION);
    const ended = once(child, "exit");
    while (child.exitCode === null && !exists(`k3os/.${NEW}.partial`)(upgrader)) await setImmediate();
    child.kill("SIGTERM");
    const [status] = await ended;
    expect([0, 130]).toContain(status);
    if (status === 130) expect(upgrader.look()).toEqual(before);
  });
});

describe("k3os upgrade-kernel", () => {
  test("makes a release's kernel current, and keeps the old one", async () => {
    using upgrader = createUpgrader();
    await upgrader.release(NEW);
    const { code, stdout } = await upgrader.run(["upgrade-kernel"], VERSION);
    expect([code, stdout]).toEqual([
      0,
      `Upgrading k3os kernel to ${KERNEL}\nUpgrade complete! Please reboot.\n`,
    ]);
    expect(upgrader.look().filter((line) => line.startsWith("kernel"))).toEqual([
      "kernel",
      `kernel/${KERNEL}`,
      `kernel/${KERNEL}/initrd: ${NEW} of initrd`,
      `kernel/${KERNEL}/kernel.squashfs: ${NEW} of kernel.squashfs`,
      `kernel/${OLD.kernel}`,
      `kernel/${OLD.kernel}/kernel: old`,
      `kernel/current -> ${KERNEL}`,
      `kernel/previous -> ${OLD.kernel}`,
    ]);
    expect(current(upgrader, "k3os")).toBe(OLD.k3os);
  });

  test("leaves a system with a kernel of its own as it is", async () => {
    using upgrader = createUpgrader();
    rmSync(join(upgrader.system, "kernel"), { recursive: true });
    const { code, stderr } = await upgrader.run(["upgrade-kernel"]);
    expect([code, stderr]).toEqual([
      0,
      "Warning: This system seems to be using a custom kernel, no kernel updates available.\n",
    ]);
    expect(existsSync(join(upgrader.system, "kernel"))).toBe(false);
  });

  test.each([
    [{ changed: { [`k3os-kernel-${arch}.squashfs`]: "x" } }, "is not the expected file"],
    [{ changed: { [`k3os-initrd-${arch}`]: "<html>404</html>" } }, "is not the expected file"],
    [{ changed: { [`k3os-kernel-version-${arch}`]: "6.99.0\n" } }, "is not the expected file"],
    [{ kernel: "" }, "Unable to determine kernel version"],
    [{ kernel: "../../etc" }, "Unable to determine kernel version"],
    [{ kernel: "6.13.0\n6.14.0" }, "Unable to determine kernel version"],
    [{ kernel: "6.1.0-9-amd64" }, "Refusing to go back from kernel"],
  ])("refuses a release with %j", async (release, message) => {
    using upgrader = createUpgrader();
    await upgrader.release(NEW, release);
    const run = () => upgrader.run(["upgrade-kernel"], VERSION);
    expect(await refusal(upgrader, run)).toContain(message);
  });
});
