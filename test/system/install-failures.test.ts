import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { looksLikeMedium } from "../../lib/install/medium.ts";
import { type FileServer, serveFiles } from "../../lib/make/vm/http-server.ts";
import { hasBootCode } from "../../lib/tools/disk/boot-sector.ts";
import { GIB, MIB } from "../../lib/tools/fs/size.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { encodePublicKey } from "../../lib/tools/release/signature-keys.ts";
import { messageOf } from "../../lib/tools/text/errors.ts";
import { makeDisk, output, type TestDisk, whileMounted } from "../support/disk.ts";
import { hurriedClock } from "../support/host.ts";
import { createInstaller, type Installer } from "../support/installer.ts";
import { executable } from "../support/medium.ts";
import { makeSecretKey } from "../support/minisign.ts";
import { type ServedRelease, serveRelease } from "../support/release.ts";
import { PROJECT } from "../support/sources.ts";

const { arch } = hostTarget();

/** What the command says when it fails. */
async function failure(installer: Installer, argv: readonly string[], env = {}): Promise<string> {
  // nothing here waits for a device, so waiting (between tries of a download) need not take time
  return await installer.run(argv, { env, clock: hurriedClock() }).then(
    (status) => `exit status ${status}`,
    (error: unknown) => messageOf(error),
  );
}

/** No partition table, no boot code: for firmware and for another installation the disk is empty. */
function looksEmpty(disk: TestDisk): boolean {
  const table = output(["sh", "-c", `blkid --probe --match-tag PTTYPE ${disk.path} || true`]);
  return table === "" && !hasBootCode(disk.path);
}

describe("bad input leaves the disk byte for byte as it was:", () => {
  let disk: TestDisk;
  let installer: Installer;
  let server: FileServer;
  let release: ServedRelease;
  let before: string;

  beforeAll(async () => {
    disk = makeDisk();
    installer = createInstaller();
    server = await serveFiles({ "/bad.yaml": "hostname: [a\n", "/page.iso": "<html>moved</html>" });
    release = await serveRelease({ [`k3os-${arch}.iso`]: "as it was signed" }, { changed: true });
    output(["sfdisk", "--quiet", disk.path], "label: dos\nstart=1MiB, size=3GiB, type=83\n");
    output(["partx", "--update", disk.path]);
    output(["mkfs.ext4", "-q", "-L", "precious", `${disk.path}p1`]);
    before = disk.hash();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await release[Symbol.asyncDispose]();
    disk[Symbol.dispose]();
    installer[Symbol.dispose]();
  });

  async function refusal(argv: readonly string[], env = {}): Promise<string> {
    const message = await failure(installer, argv, env);
    expect(disk.hash()).toBe(before);
    return message;
  }

  test("no device", async () => {
    expect(await refusal([])).toStartWith("Missing DEVICE: expected the disk to install to, found ");
  });

  test("a missing device", async () => {
    expect(await refusal(["/dev/missing"])).toBe('Block device not found: "/dev/missing"');
  });

  test("a file in place of a device", async () => {
    expect(await refusal([disk.file])).toBe(`Block device not found: "${disk.file}"`);
  });

  test("a partition in place of a disk", async () => {
    const message = await refusal(["--force", `${disk.path}p1`]);
    expect(message).toStartWith(`"${disk.path}p1" is a partition: name the whole disk`);
  });

  test("foreign data without consent", async () => {
    const message = await refusal(["--yes", disk.path]);
    expect(message).toBe(`"${disk.path}p1" holds data that is not of k3OS: ext4 file system "precious"`);
  });

  test("an unreachable configuration", async () => {
    const url = "http://127.0.0.1:1/c.yaml";
    const message = await refusal(["--force", "--config", url, disk.path]);
    expect(message).toStartWith(`Fetching the configuration "${url}": `);
  });

  test("a configuration that does not exist", async () => {
    const url = `http://127.0.0.1:${server.port}/none.yaml`;
    expect(await refusal(["--force", "--config", url, disk.path])).toContain("404");
  });

  test("an invalid configuration", async () => {
    const url = `http://127.0.0.1:${server.port}/bad.yaml`;
    const message = await refusal(["--force", "--config", url, disk.path]);
    expect(message).toStartWith(`The configuration "${url}" has errors:\n  ${url}:`);
  });

  test("an ISO that is a web page", async () => {
    const url = `http://127.0.0.1:${server.port}/page.iso`;
    const argv = ["--force", "--insecure-skip-verify", disk.path, url];
    const message = await refusal(argv, { ISO_DEVICE: "" });
    expect(message).toContain("has no file system that a medium could have");
  });

  test("an ISO that is not there", async () => {
    const url = `http://127.0.0.1:${server.port}/none.iso`;
    expect(await refusal(["--force", disk.path, url], { ISO_DEVICE: "" })).toContain("404");
  });

  test("an image without k3OS in it", async () => {
    const other = join(installer.root, "other");
    mkdirSync(other);
    writeFileSync(join(other, "readme"), "another system\n");
    output(["mksquashfs", other, `${other}.img`, "-quiet", "-no-progress"]);
    const argv = ["--force", "--insecure-skip-verify", disk.path, `${other}.img`];
    const message = await refusal(argv, { ISO_DEVICE: "" });
    expect(message).toContain('is not a k3OS medium: "k3os/system/k3os/current/k3os" is missing');
  });

  test("a medium for another architecture", async () => {
    using foreign = createInstaller({ files: { "k3os/system/k3os/v1.2.3/k3os": executable(0xf3) } });
    expect(await failure(foreign, ["--force", disk.path])).toContain("for another architecture");
    expect(disk.hash()).toBe(before);
  });

  test("a medium with an invalid configuration of its own", async () => {
    using broken = createInstaller({ files: { "k3os/system/config.yaml": "hostname: [a\n" } });
    expect(await failure(broken, ["--force", disk.path])).toContain('"config.yaml of the medium" has errors');
    expect(disk.hash()).toBe(before);
  });

  test("the disk as its own medium", async () => {
    const message = await refusal(["--force", disk.path], { ISO_DEVICE: `${disk.path}p1` });
    expect(message).toContain(`is on the disk to be installed to, "${disk.path}"`);
  });

  test("a takeover of another device than the one that / is on", async () => {
    expect(await refusal(["--takeover", disk.path])).toContain("--takeover needs");
  });

  test("an ISO that nobody has signed, or nobody whose key is known", async () => {
    const { port } = release;
    const iso = `http://127.0.0.1:${port}/k3os-${arch}.iso`;
    expect(await refusal(["--force", disk.path, iso], { ISO_DEVICE: "" })).toBe(
      "Cannot verify a release: no release key is known to this build",
    );
    const stranger = encodePublicKey(makeSecretKey().publicKey);
    const argv = ["--force", `--key=${stranger}`, disk.path];
    expect(await refusal([...argv, iso], { ISO_DEVICE: "" })).toContain("Signed by the unknown key ");
    const page = `http://127.0.0.1:${server.port}/page.iso`;
    expect(await refusal([...argv, page], { ISO_DEVICE: "" })).toContain("404");
  });

  test("an ISO that has changed since it was signed", async () => {
    const iso = `http://127.0.0.1:${release.port}/k3os-${arch}.iso`;
    const message = await refusal(["--force", `--key=${release.key}`, disk.path, iso], { ISO_DEVICE: "" });
    expect(message).toContain(`"${iso}" is not the expected file: its sha256 is `);
  });

  test("all that is wrong, in one report", async () => {
    const url = `http://127.0.0.1:${server.port}/none`;
    const message = await refusal(["--config", url, `${disk.path}p1`, url], { ISO_DEVICE: "" });
    expect(message.split("\n")).toEqual([
      "Cannot install:",
      expect.stringContaining(`"${disk.path}p1" is a partition`),
      expect.stringContaining(`"${disk.path}p1" holds data that is not of k3OS`),
      expect.stringContaining(`Fetching the configuration "${url}"`),
      expect.stringContaining("404"),
    ]);
  });

  test("no medium at all", async () => {
    expect(await refusal(["--force", disk.path], { ISO_DEVICE: "" })).toBe(
      "No installation medium was found",
    );
  });

  test("a disk whose partition is mounted", async () => {
    using mounted = makeDisk();
    output(["sfdisk", "--quiet", mounted.path], "label: dos\nstart=1MiB, size=3GiB, type=83\n");
    output(["partx", "--update", mounted.path]);
    output(["mkfs.ext4", "-q", "-L", "K3OS_STATE", `${mounted.path}p1`]);
    const unmounted = mounted.hash();
    // read-only, so that mounting itself writes nothing
    const message = await whileMounted(`${mounted.path}p1`, () =>
      failure(installer, ["--force", mounted.path]),
    );
    expect(message).toMatch(/p1" is mounted on "/);
    expect(mounted.hash()).toBe(unmounted);
  });

  test("a disk whose partition is mounted out of sight, as in a container", async () => {
    using hidden = makeDisk();
    output(["sfdisk", "--quiet", hidden.path], "label: dos\nstart=1MiB, size=3GiB, type=83\n");
    output(["partx", "--update", hidden.path]);
    output(["mkfs.ext4", "-q", "-L", "K3OS_STATE", `${hidden.path}p1`]);
    const script = `mount --options ro ${hidden.path}p1 /mnt && echo mounted && read line`;
    const container = spawn("unshare", ["--mount", "sh", "-c", script], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await new Promise((resolve) => container.stdout.once("data", resolve));
    const unmounted = hidden.hash();
    const message = await failure(installer, ["--force", hidden.path]);
    expect(message).toBe(`"${hidden.path}" is in use by another program or container`);
    expect(hidden.hash()).toBe(unmounted);
    container.stdin.end("\n");
    await new Promise((resolve) => container.once("close", resolve));
  });

  test("a disk that is too small", async () => {
    using small = makeDisk(2 * GIB - MIB);
    const empty = small.hash();
    expect(await failure(installer, ["--force", small.path])).toContain("is too small: it has 2.0 GiB");
    expect(small.hash()).toBe(empty);
  });

  test("a disk that is too small for the medium", async () => {
    using small = makeDisk(2 * GIB);
    const file = join(installer.medium, "k3os/system/large");
    output(["truncate", "--size=2G", file]);
    const empty = small.hash();
    expect(await failure(installer, [small.path])).toContain("is too small for this medium");
    expect(small.hash()).toBe(empty);
    output(["rm", file]);
  });
});

describe("an installation that fails", () => {
  test("at any program leaves a disk that looks empty, and the next one succeeds", async () => {
    using disk = makeDisk();
    using installer = createInstaller();
    const writing = [
      "wipefs",
      "sfdisk",
      "mkfs.ext4",
      "mount",
      "grub-editenv",
      "grub-mkimage",
      "sync",
      "umount",
    ];
    const failures: string[] = [];
    for (let at = 1; ; at++) {
      let seen = 0;
      const run: typeof runProgram = async (argv, options) => {
        const probing = argv.includes("-n") || argv.includes("--json");
        if (!probing && writing.includes(argv[0] ?? "") && ++seen === at) {
          if (argv[0] === "umount") await runProgram(argv, options); // else nothing could undo the mount
          failures.push(argv[0] ?? "");
          throw new Error(`${argv[0]} was made to fail`);
        }
        return await runProgram(argv, options);
      };
      const result = await installer.run([disk.path], { run }).catch((error: unknown) => messageOf(error));
      if (result === 0) break;
      expect(result).toContain(`${failures.at(-1)} was made to fail`);
      expect(looksEmpty(disk)).toBe(true);
    }
    expect(new Set(failures)).toEqual(new Set(writing));
    await whileMounted(`${disk.path}p1`, (root) => expect(looksLikeMedium(root)).toBe(true));
  }, 120_000);

  test("keeps the first error first when cleaning up fails too", async () => {
    using disk = makeDisk();
    using installer = createInstaller();
    const run: typeof runProgram = async (argv, options) => {
      if (argv[0] === "grub-mkimage") throw new Error("first");
      const result = await runProgram(argv, options);
      if (argv[0] === "umount") throw new Error("second");
      return result;
    };
    const message = await installer.run([disk.path], { run }).catch((error: unknown) => messageOf(error));
    expect(message).toBe("Preparing the boot loader: first; then, cleaning up: second");
  });
});

describe("an installation that is ended", () => {
  test("by SIGKILL after any of its messages does not boot unless it was complete, and the next one succeeds", async () => {
    using disk = makeDisk();
    using installer = createInstaller();
    let messages = 0;
    for (let nth = 1; ; nth++) {
      const ended = await endAtMessage(nth, "SIGKILL", disk.path, installer.medium);
      if (ended.status === 0) break;
      expect(ended.signal).toBe("SIGKILL");
      // the boot code is the last write of all, and on a busy machine done before the signal comes
      if (hasBootCode(disk.path)) expect(ended.lines.at(-1)).toMatch(/^Making .* bootable|is installed on/);
      messages = nth;
    }
    expect(messages).toBeGreaterThan(4);
    expect(await installer.run([disk.path])).toBe(0);
    expect(hasBootCode(disk.path)).toBe(true);
    await whileMounted(`${disk.path}p1`, (root) => expect(looksLikeMedium(root)).toBe(true));
  }, 120_000);

  test.each(["SIGINT", "SIGTERM"] as const)("by %s cleans up and exits with 130", async (signal) => {
    using disk = makeDisk();
    using installer = createInstaller();
    const { status, lines } = await endAtMessage(3, signal, disk.path, installer.medium);
    expect(lines.at(-1)).toBe(`Error: Interrupted by ${signal}`);
    expect(status).toBe(130);
    expect(looksEmpty(disk)).toBe(true);
    expect(output(["findmnt", "--noheadings", "--list", "--output", "SOURCE"])).not.toContain(disk.path);
  });
});

interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly string[];
}

/** Starts an installation, and at its nth message sends it and all its programs a signal, as a terminal does. */
async function endAtMessage(
  nth: number,
  signal: NodeJS.Signals,
  device: string,
  medium: string,
): Promise<Ended> {
  const child = spawn(process.execPath, [join(PROJECT, "bin/k3os.ts"), "install", device], {
    env: { ...process.env, ISO_DEVICE: medium },
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  const exited = new Promise<Pick<Ended, "status" | "signal">>((resolve) => {
    child.once("exit", (status, by) => resolve({ status, signal: by }));
  });
  let seen = 0;
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    lines.push(line);
    if (/…$/.test(line) && ++seen === nth) process.kill(-(child.pid ?? 0), signal);
  }
  return { ...(await exited), lines };
}
