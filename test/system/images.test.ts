import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { runProgram } from "../../lib/tools/host/host.ts";
import { imagesList } from "../../lib/tools/images/image-set.ts";
import { EXECUTABLE } from "../support/clouds.ts";
import { makeDisk, output, whileMounted } from "../support/disk.ts";
import { imageArchive } from "../support/image-archive.ts";
import { createInstaller, type Installer } from "../support/installer.ts";
import { PROJECT } from "../support/sources.ts";

/** Archives of container images on their way to a node: on a medium, and on the disk. */
const ISO = join(PROJECT, "dist/artifacts/k3os-amd64.iso");
const DIRECTORY = "k3os/system/images";

const directory = mkdtempSync(join(tmpdir(), "k3os-images-"));
const at = (name: string) => join(directory, name);

beforeAll(async () => {
  const first = await imageArchive([["docker.io/library/first:1"]]);
  writeFileSync(at("first.tar"), first);
  writeFileSync(at("second.tar.zst"), zstdCompressSync(await imageArchive([["second:1"], ["second:2"]])));
  writeFileSync(at("cut.tar.zst"), zstdCompressSync(first).subarray(0, -8));
  writeFileSync(at("twice.tar"), await imageArchive([["a:1", "a:2"], ["docker.io/library/first:1"]]));
  mkdirSync(at(`tree/${DIRECTORY}`), { recursive: true });
  writeFileSync(at(`tree/${DIRECTORY}/stray.tar`), first);
  mkdirSync(at("other"));
  writeFileSync(at("other/first.tar"), first);
});

afterAll(() => rmSync(directory, { recursive: true }));

async function remaster(...argv: readonly string[]) {
  return await runProgram([EXECUTABLE, "remaster", ...argv], { cwd: directory, check: false });
}

/** The archives of an ISO, which sha256sum compares with their list. */
async function archivesOf(iso: string): Promise<string[]> {
  const copy = mkdtempSync(at("extracted-"));
  const osirrox = ["xorriso", "-no_rc", "-osirrox", "on", "-indev", iso];
  await runProgram([...osirrox, "-extract", `/${DIRECTORY}`, join(copy, "images")]);
  await runProgram(["sha256sum", "--check", "--strict", "sha256sum.txt"], { cwd: join(copy, "images") });
  return readdirSync(join(copy, "images")).sort();
}

describe("k3os remaster --images", () => {
  test("puts archives and their list on the medium, and others beside them later", async () => {
    expect(await remaster(ISO, "one.iso", "--images", "first.tar")).toMatchObject({ code: 0 });
    expect(await archivesOf(at("one.iso"))).toEqual(["first.tar", "sha256sum.txt"]);
    const shown = ["xorriso", "-no_rc", "-indev", at("one.iso"), "-lsdl", `/${DIRECTORY}`];
    expect((await runProgram(shown)).stdout).toStartWith("drwxr-xr-x"); // ours is in a private one
    expect(await remaster("one.iso", "two.iso", "--images", "second.tar.zst")).toMatchObject({ code: 0 });
    expect(await archivesOf(at("two.iso"))).toEqual(["first.tar", "second.tar.zst", "sha256sum.txt"]);
    for (const name of ["one.iso", "two.iso"]) rmSync(at(name));
  });

  test.each([
    [["--images", "cut.tar.zst"], "it is damaged or incomplete"],
    [["--images", "first.tar", "--images", "other/first.tar"], 'two archives with the name "first.tar"'],
    [["--images", "missing.tar"], "File not found"],
    [["--add", "tree"], "add archives of container images with --images"],
  ])("refuses %j", async (options, message) => {
    const { code, stderr } = await remaster(ISO, "out.iso", ...options);
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
    expect(existsSync(at("out.iso"))).toBe(false);
  });

  test("warns of what k3s may not import", async () => {
    const options = ["--images", "twice.tar", "--images", "first.tar"];
    const { code, stderr } = await remaster(ISO, "out.iso", ...options);
    expect(code).toBe(0);
    expect(stderr).toContain('An image in "twice.tar" has several names');
    expect(stderr).toContain('"docker.io/library/first:1" is in several archives: twice.tar, first.tar');
    rmSync(at("out.iso"));
  });
});

describe("k3os install", () => {
  async function installerWith(names: readonly string[]): Promise<Installer> {
    const files = Object.fromEntries(names.map((name) => [`${DIRECTORY}/${name}`, readFileSync(at(name))]));
    const list = await imagesList(names.map((name) => ({ path: at(name) })));
    return createInstaller({ files: { ...files, [`${DIRECTORY}/sha256sum.txt`]: list } });
  }

  test("brings the archives of the medium, and removes those of the one before with --no-format", async () => {
    using disk = makeDisk();
    const state = `${disk.path}p1`;
    output(["sfdisk", "--quiet", disk.path], "label: dos\nstart=4096, size=3GiB, type=83\n");
    output(["partx", "--update", disk.path]);
    output(["mkfs.ext4", "-q", "-L", "K3OS_STATE", state]);
    using first = await installerWith(["first.tar", "second.tar.zst"]);
    expect(await first.run(["--dry-run", disk.path])).toBe(0);
    expect(first.printed.join("")).toContain(
      "Container images for k3s, without a network: first.tar, second.tar.zst (",
    );
    expect(await first.run(["--no-format", state])).toBe(0);
    const mine = "k3os/data/var/lib/rancher/k3s/agent/images";
    await whileMounted(state, (root) => {
      expect(readdirSync(join(root, DIRECTORY)).sort()).toEqual([
        "first.tar",
        "second.tar.zst",
        "sha256sum.txt",
      ]);
    });
    const root = mkdtempSync(at("mounted-"));
    output(["mount", state, root]);
    mkdirSync(join(root, mine), { recursive: true });
    writeFileSync(join(root, mine, "mine.tar"), "mine");
    output(["umount", root]);
    using other = await installerWith(["second.tar.zst", "twice.tar"]);
    expect(await other.run(["--no-format", state])).toBe(0);
    await whileMounted(state, (root) => {
      expect(readdirSync(join(root, DIRECTORY)).sort()).toEqual([
        "second.tar.zst",
        "sha256sum.txt",
        "twice.tar",
      ]);
      expect(readFileSync(join(root, mine, "mine.tar"), "utf8")).toBe("mine");
    });
    using none = createInstaller();
    expect(await none.run(["--no-format", state])).toBe(0);
    await whileMounted(state, (root) => {
      expect(readdirSync(join(root, DIRECTORY))).toContain("twice.tar");
    });
  });

  test("refuses an archive that is not what the list says, before the disk is changed", async () => {
    using disk = makeDisk();
    using installer = await installerWith(["first.tar"]);
    const path = join(installer.medium, DIRECTORY, "first.tar");
    const content = readFileSync(path);
    content[100] = (content[100] ?? 0) ^ 1;
    writeFileSync(path, content);
    await expect(installer.run([disk.path])).rejects.toThrow('Checking the image archive "first.tar"');
    rmSync(path);
    await expect(installer.run([disk.path])).rejects.toThrow("is missing");
    expect(disk.start(512).every((byte) => byte === 0)).toBe(true);
  });
});
