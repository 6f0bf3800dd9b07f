import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serveFiles } from "../../lib/make/vm/http-server.ts";
import { type RunResult, runProgram } from "../../lib/tools/host/host.ts";
import type { Arch } from "../../lib/tools/host/targets.ts";
import { encodePublicKey } from "../../lib/tools/release/signature-keys.ts";
import { makeSecretKey } from "../support/minisign.ts";
import { makeOverlayRoot, type OverlayRoot, type OverlayRootOptions } from "../support/overlay-root.ts";
import { signedList } from "../support/release.ts";
import { ELF_START, releaseEntries, tarball } from "../support/tarball.ts";
import { EXECUTABLE } from "../support/upgrader.ts";

const VERSION = "v0.31.0";
const K3S = "v1.31.0+k3s1";
const secret = makeSecretKey();
const KEY = ["--key", encodePublicKey(secret.publicKey)];

let scratch: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "k3os-overlay-release-"));
  const content = await tarball(releaseEntries(VERSION));
  for (const arch of ["amd64", "arm"] as const) writeRelease("good", arch, content);
  writeRelease("other-key", "amd64", content, { secret: makeSecretKey() });
  writeRelease("changed", "amd64", content);
  writeFileSync(join(scratch, "changed", tarballName("amd64")), await tarball(releaseEntries("v9")));
  writeFileSync(join(scratch, "config.yaml"), "hostname: board\n");
  writeFileSync(join(scratch, "bad.yaml"), "hostname: [\n");
});

afterAll(() => rmSync(scratch, { recursive: true }));

const tarballName = (arch: Arch) => `k3os-rootfs-${arch}.tar.gz`;

function writeRelease(name: string, arch: Arch, content: Buffer, signing = { secret }): void {
  const directory = join(scratch, name);
  mkdirSync(directory, { recursive: true });
  const files = { [tarballName(arch)]: content };
  const all = { ...files, ...signedList(files, { ...signing, arch, version: VERSION }) };
  for (const [file, bytes] of Object.entries(all)) writeFileSync(join(directory, file), bytes);
}

const good = (arch: Arch = "amd64") => join(scratch, "good", tarballName(arch));

function overlay(...argv: string[]): Promise<RunResult> {
  return runProgram([EXECUTABLE, "overlay", ...argv], { check: false });
}

const apply = (root: OverlayRoot, tarball: string, ...argv: string[]) =>
  overlay("apply", tarball, "--root", root.path, ...KEY, ...argv);

/** The new system is there, whole, and the kernel's next start is one of it. */
function expectApplied({ path }: OverlayRoot): void {
  expect(readlinkSync(join(path, "sbin/init"))).toBe("k3os");
  expect(readlinkSync(join(path, "sbin/k3os"))).toBe("/k3os/system/k3os/current/k3os");
  const system = join(path, "k3os/system");
  expect(readFileSync(join(system, "k3os/current/k3os"), "utf8")).toBe(`${ELF_START}${VERSION} of k3os`);
  expect(readFileSync(join(system, "k3os/current/k3os.squashfs"), "utf8")).toBe(
    `${VERSION} of k3os.squashfs`,
  );
  expect(readFileSync(join(system, "k3s/current/k3s"), "utf8")).toBe(`${VERSION} of k3s`);
  expect(readdirSync(system).sort()).toEqual(expect.arrayContaining(["k3os", "k3s"]));
  expect(existsSync(join(system, "kernel"))).toBe(false);
}

describe.each([{ merged: true }, { merged: false }])(
  "k3os overlay, on a root with $merged usr-merge,",
  (options) => {
    test("is applied with a configuration, and removed without a trace but its data", async () => {
      using root = makeOverlayRoot(options);
      const before = root.look();
      const applied = await apply(root, good(), "--config", join(scratch, "config.yaml"));
      expect([applied.code, applied.stdout]).toEqual([0, ""]);
      expect(applied.stderr).toContain(
        `The next boot of "${root.path}" starts k3OS: k3os ${VERSION}, k3s ${K3S}`,
      );
      expectApplied(root);
      const config = join(root.path, "k3os/system/config.yaml");
      expect([readFileSync(config, "utf8"), statSync(config).mode & 0o777]).toEqual([
        "hostname: board\n",
        0o600,
      ]);
      expect(readlinkSync(join(root.path, "sbin/init.before-k3os"))).toBe("/lib/systemd/systemd");
      expect((await apply(root, good())).code).toBe(0); // again changes nothing
      expectApplied(root);
      const removed = await overlay("remove", "--root", root.path);
      expect([removed.code, removed.stderr]).toEqual([0, expect.stringContaining("Its data stays in /k3os")]);
      expect(root.look()).toEqual(before);
      expect(existsSync(config)).toBe(true);
      expect((await overlay("remove", "--root", root.path, "--purge")).code).toBe(0);
      expect(existsSync(join(root.path, "k3os"))).toBe(false);
    });
  },
);

describe("k3os overlay apply", () => {
  test("takes a URL, and shows with --dry-run what it would do", async () => {
    using root = makeOverlayRoot();
    await using server = await serveFiles(
      Object.fromEntries(
        readdirSync(join(scratch, "good")).map((name) => [
          `/r/${name}`,
          { file: join(scratch, "good", name) },
        ]),
      ),
    );
    const url = `http://127.0.0.1:${server.port}/r/${tarballName("amd64")}`;
    const shown = await apply(root, url, "--dry-run");
    expect([shown.code, shown.stdout]).toEqual([
      0,
      expect.stringContaining(`Lay k3OS ${VERSION} for amd64 over "${root.path}"`),
    ]);
    expect(existsSync(join(root.path, "k3os"))).toBe(false);
    expect((await apply(root, url)).code).toBe(0);
    expectApplied(root);
  });

  test("tells what it does as events", async () => {
    using root = makeOverlayRoot();
    const { code, stdout } = await apply(root, good(), "--json");
    expect([code, JSON.parse(stdout.trim().split("\n").at(-1) ?? "")]).toEqual([
      0,
      expect.objectContaining({ event: "end", ok: true }),
    ]);
  });

  const refusals: readonly (readonly [string, string, OverlayRootOptions, () => string, string[]])[] = [
    ["another architecture's tarball", "The tarball is for arm, ", {}, () => good("arm"), []],
    [
      "a kernel without squashfs",
      "Kernel 6.1.0-board lacks squashfs",
      { modules: ["loop", "overlay"] },
      good,
      [],
    ],
    ["a kernel without loop devices", "lacks loop devices", { modules: ["squashfs", "overlay"] }, good, []],
    ["a root without room", "free, about ", { size: 128 }, good, []],
    [
      "a release that another has signed",
      "Signed by the unknown key",
      {},
      () => join(scratch, "other-key", tarballName("amd64")),
      [],
    ],
    [
      "a tarball that was changed",
      "is not the expected file",
      {},
      () => join(scratch, "changed", tarballName("amd64")),
      [],
    ],
    [
      "a name that tells no architecture",
      "is not called k3os-rootfs-ARCH.tar.gz",
      {},
      () => join(scratch, "x.tar.gz"),
      [],
    ],
    ["a configuration with errors", "bad.yaml", {}, good, ["--config", "bad.yaml"]],
    ["a configuration that is not there", "none.yaml", {}, good, ["--config", "none.yaml"]],
  ];

  test.each(refusals)(
    "refuses %s, and leaves the root as it was",
    async (_, message, options, tarball, argv) => {
      using root = makeOverlayRoot(options);
      const before = root.look();
      const ended = await apply(
        root,
        tarball(),
        ...argv.map((word) => (word.endsWith(".yaml") ? join(scratch, word) : word)),
      );
      expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining(message)]);
      expect(root.look()).toEqual(before);
      const left = existsSync(join(root.path, "k3os"))
        ? readdirSync(join(root.path, "k3os/system/k3os"))
        : [];
      expect(left).toEqual([]);
    },
  );

  test("refuses a root that is read-only, or a card that is not there", async () => {
    using root = makeOverlayRoot();
    root.remount("ro");
    const ended = await apply(root, good());
    root.remount("rw");
    expect([ended.code, ended.stderr]).toEqual([
      1,
      expect.stringContaining("is mounted read-only: mount -o remount,rw"),
    ]);
    const empty = join(scratch, "empty");
    mkdirSync(empty);
    expect((await overlay("apply", good(), "--root", empty, ...KEY)).stderr).toContain("contains no Linux");
    expect((await overlay("remove", "--root", empty)).stderr).toContain("has no other init program");
  });

  test("says what to do where no key is known", async () => {
    using root = makeOverlayRoot();
    const { code, stderr } = await overlay("apply", good(), "--root", root.path);
    expect([code, stderr]).toEqual([1, expect.stringContaining("\nHint: give its public key with --key")]);
  });

  test("that is killed at any time leaves the old or the new system, and works the next time", async () => {
    using root = makeOverlayRoot();
    const before = root.look();
    let applied = 0;
    for (let delay = 20; delay <= 300; delay += 20) {
      await killedAfter(delay, ["overlay", "apply", good(), "--root", root.path, ...KEY]);
      if (readlinkSync(join(root.path, "sbin/init")) === "k3os") {
        expectApplied(root);
        applied++;
        expect((await overlay("remove", "--root", root.path, "--purge")).code).toBe(0);
        expect(root.look()).toEqual(before);
      } else expect(readlinkSync(join(root.path, "sbin/init"))).toBe("/lib/systemd/systemd");
    }
    expect((await apply(root, good())).code).toBe(0);
    expectApplied(root);
    expect(applied).toBeLessThan(15);
  });
});

/** Starts the executable, and kills it after some milliseconds if it still runs. */
function killedAfter(delay: number, argv: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn(EXECUTABLE, argv, { stdio: "ignore" });
    const timer = setTimeout(() => child.kill("SIGKILL"), delay);
    child.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
