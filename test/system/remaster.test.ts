import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  chownSync,
  constants,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunResult, runProgram } from "../../lib/tools/host/host.ts";
import { EXECUTABLE } from "../support/clouds.ts";
import { PROJECT } from "../support/sources.ts";

/** Nobody: nothing of this needs root. */
const UID = 65534;
const ISO = join(PROJECT, "dist/artifacts/k3os-amd64.iso");

let directory: string;
const at = (name: string) => join(directory, name);

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "k3os-remaster-test-"));
  copyFileSync(EXECUTABLE, at("k3os"), constants.COPYFILE_FICLONE);
  copyFileSync(ISO, at("in.iso"), constants.COPYFILE_FICLONE);
  writeFileSync(at("node.yaml"), "hostname: mine\nk3os: {token: secret}\n");
  writeFileSync(at("broken.yaml"), "hostname: [\n");
  writeFileSync(at("text"), "no ISO\n");
  mkdirSync(at("files/k3os/data/opt"), { recursive: true });
  writeFileSync(at("files/k3os/data/opt/it's mine"), "hello\n");
  symlinkSync("/opt", at("files/k3os/data/link"));
  writeFileSync(at("files/README"), "Read me\n");
  for (const path of [directory, at("k3os")]) chownSync(path, UID, UID);
});

afterAll(() => rmSync(directory, { recursive: true }));

beforeEach(() => rmSync(at("out.iso"), { force: true }));

function remaster(...argv: readonly string[]): Promise<RunResult> {
  const nobody = ["setpriv", `--reuid=${UID}`, `--regid=${UID}`, "--clear-groups"];
  return runProgram([...nobody, at("k3os"), "remaster", ...argv], { cwd: directory, check: false });
}

async function xorriso(iso: string, ...argv: readonly string[]): Promise<string> {
  return (await runProgram(["xorriso", "-no_rc", "-osirrox", "on", "-indev", iso, ...argv])).stdout;
}

/** The content of a file of an ISO. */
async function fileOf(iso: string, path: string): Promise<Buffer> {
  const copy = at("extracted");
  rmSync(copy, { force: true });
  await xorriso(iso, "-extract", path, copy);
  return readFileSync(copy);
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** By what firmware finds the medium, without what follows from its size and the time at which it was made. */
async function bootRecords(iso: string) {
  const asMade = ["-report_el_torito", "as_mkisofs", "-report_system_area", "as_mkisofs"];
  const table = JSON.parse((await runProgram(["sfdisk", "--json", iso])).stdout).partitiontable;
  const bytes = readFileSync(iso);
  const [, image] =
    /El Torito boot img :\s+1\s+BIOS.* (\d+)$/m.exec(await xorriso(iso, "-report_el_torito", "plain")) ?? [];
  const efi = table.partitions.find(({ type }: { type: string }) => type.startsWith("C12A7328"));
  const efiImage = bytes.subarray(efi.start * 512, (efi.start + efi.size) * 512);
  return {
    records: (await xorriso(iso, ...asMade)).replaceAll(iso, "ISO"),
    table: [table.label, table.partitions.map(({ type }: { type: string }) => type)],
    bootCode: sha256(bytes.subarray(0, 0x1b0)),
    // where the boot code finds GRUB on a disk, in sectors behind the start of its image (boot_hybrid.S)
    grub: Number(bytes.readBigUInt64LE(0x1b0)) - Number(image) * 4,
    efi: sha256(efiImage),
    efiFile: sha256(await fileOf(iso, "/efi.img")),
  };
}

describe("k3os remaster", () => {
  test("adds configuration, parameters and files, and changes nothing that the medium boots by", async () => {
    const words = 'k3os.install.silent k3os.install.device=/dev/sda k3os.sysctl[kernel.printk]="4 4 1 7"';
    const change = ["--config", "node.yaml", "--cmdline", words, "--default", "install", "--add", "files"];
    const { mtimeMs } = statSync(at("in.iso"));
    const { code, stdout, stderr } = await remaster("in.iso", "out.iso", ...change);
    expect({ code, stdout, stderr }).toMatchObject({
      code: 0,
      stdout: `${sha256(readFileSync(at("out.iso")))}  out.iso\n`,
      stderr: expect.stringContaining("Writing out.iso: "),
    });
    expect(statSync(at("in.iso")).mtimeMs).toBe(mtimeMs);
    expect(readdirSync(directory).filter((name) => name.startsWith("."))).toEqual([]);
    expect(await bootRecords(at("out.iso"))).toEqual(await bootRecords(at("in.iso")));

    const menu = (await fileOf(at("out.iso"), "/boot/grub/grub.cfg")).toString();
    const wanted = " k3os.install.silent k3os.install.device=/dev/sda 'k3os.sysctl[kernel.printk]=4 4 1 7'\n";
    expect(menu.split(wanted)).toHaveLength(4);
    expect(menu).toContain("set default=1\n");
    expect((await fileOf(at("out.iso"), "/k3os/system/config.yaml")).toString()).toContain("hostname: mine");
    expect((await fileOf(at("out.iso"), "/k3os/data/opt/it's mine")).toString()).toBe("hello\n");

    const list = (iso: string) => xorriso(at(iso), "-find", "/");
    const added = ["'/README'", "'/k3os/data'", "'/k3os/data/link'", "'/k3os/data/opt'"];
    const lines = new Set((await list("in.iso")).split("\n"));
    const news = (await list("out.iso")).split("\n").filter((line) => !lines.has(line));
    expect(news.sort()).toEqual([...added, `'/k3os/data/opt/it'"'"'s mine'`]);
    const owners = await xorriso(at("out.iso"), "-lsdl", "/", "/README", "/k3os/system/config.yaml", "--");
    expect(
      owners
        .trim()
        .split("\n")
        .map((line) => line.split(/\s+/).slice(0, 4).join(" ")),
    ).toEqual(["dr-xr-xr-x 1 0 0", "-rw-r--r-- 1 0 0", "-rw------- 1 0 0"]);
  });

  test("takes a medium that it has made itself", async () => {
    expect((await remaster("in.iso", "out.iso", "--cmdline", "one")).code).toBe(0);
    expect((await remaster("out.iso", "again.iso", "--cmdline", "two")).code).toBe(0);
    expect((await fileOf(at("again.iso"), "/boot/grub/grub.cfg")).toString()).toContain(" one two\n");
    expect((await bootRecords(at("again.iso"))).grub).toBe((await bootRecords(at("in.iso"))).grub);
    rmSync(at("again.iso"));
  });

  const refusals: readonly (readonly [string, string[], string])[] = [
    ["the same file", ["in.iso", "./in.iso", "--cmdline", "a"], "is the medium to be remastered"],
    ["what is no ISO", ["text", "out.iso", "--cmdline", "a"], '/text" is not an ISO image'],
    ["an ISO of another system", ["other.iso", "out.iso", "--cmdline", "a"], "is not a k3OS medium"],
    ["a broken configuration", ["in.iso", "out.iso", "--config", "broken.yaml"], "broken.yaml:2:1: "],
    ["a device", ["in.iso", "/dev/null", "--cmdline", "a"], '"/dev/null" is not a file'],
    ["what is not there to be added", ["in.iso", "out.iso", "--add", "nothing"], "Directory not found"],
    ["a wrong setting", ["in.iso", "out.iso", "--cmdline", "k3os.install.silent=x"], "have errors"],
  ];

  test.each(refusals)("refuses %s, and writes nothing", async (_, argv, message) => {
    await runProgram(["xorriso", "-as", "mkisofs", "-quiet", "-o", at("other.iso"), at("files")]);
    const before = readdirSync(directory);
    const { code, stderr } = await remaster(...argv);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(message) });
    expect(readdirSync(directory)).toEqual(before);
  });

  test("refuses a medium that is not what its release's list says", async () => {
    const list = at("sha256sum-amd64.txt");
    writeFileSync(list, `${"0".repeat(64)}  in.iso\n`);
    const { code, stderr } = await remaster("in.iso", "out.iso", "--cmdline", "a");
    rmSync(list);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('does not match its checksum in "sha256sum-amd64.txt"'),
    });
  });

  test("leaves what was there when it fails, and names the package that is missing", async () => {
    writeFileSync(at("out.iso"), "old");
    const nowhere = [
      "env",
      "PATH=/nonexistent",
      at("k3os"),
      "remaster",
      "in.iso",
      "out.iso",
      "--cmdline",
      "a",
    ];
    const { code, stderr } = await runProgram(nowhere, { cwd: directory, check: false });
    expect({ code, stderr }).toEqual({ code: 1, stderr: "Error: Missing program: xorriso\n" });
    expect(readFileSync(at("out.iso"), "utf8")).toBe("old");
  });

  test("has to be told what to change", async () => {
    expect((await remaster("in.iso", "out.iso")).code).toBe(2);
    expect((await remaster("in.iso", "--cmdline", "a")).code).toBe(2);
    expect((await remaster("in.iso", "out.iso", "--default", "other")).code).toBe(2);
  });
});
