import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { looksLikeMedium } from "../../lib/install/medium.ts";
import { parseExport } from "../../lib/tools/disk/blkid.ts";
import { TAKEOVER_MARK } from "../../lib/tools/disk/grub.ts";
import { parseEnvironment, setVariable } from "../../lib/tools/disk/grubenv.ts";
import { readTakeoverRecord, TAKEOVER } from "../../lib/tools/disk/takeover-record.ts";
import { makeDisk, output } from "../support/disk.ts";
import { makeOldSystem, type OldSystem, type Outcome } from "../support/old-system.ts";

const MENU = "boot/grub/grub.cfg";

let old: OldSystem;
let before: string;

beforeEach(() => {
  old = makeOldSystem();
  before = old.fingerprint();
});
afterEach(() => old[Symbol.dispose]());

const takeOver = (...argv: readonly string[]) => old.run(["install", "--bootstrap", "--takeover", ...argv]);
const undo = () => old.run(["takeover", "--undo"]);
const at = (path: string) => join(old.root, path);

/** Where GRUB itself has written to its environment block, the time of that stays. */
const timeless = (fingerprint: string) => fingerprint.replace(/(?<=grubenv f .*) \S+ $/m, "");

function expectPrepared({ status, stderr }: Outcome): void {
  expect([status, stderr]).toEqual([0, expect.stringContaining("takeover --undo")]);
  expect(looksLikeMedium(old.root)).toBe(true);
  expect(readFileSync(at(MENU), "utf8")).toStartWith(TAKEOVER_MARK);
  expect(readFileSync(at(TAKEOVER.oldMenu), "utf8")).toContain('menuentry "Old"');
}

describe("a takeover that is prepared", () => {
  test("lies beside the old system, whose menu is kept as the same file", async () => {
    const { ino } = statSync(at(MENU));
    expectPrepared(await takeOver("--poweroff", old.device));
    expect(statSync(at(TAKEOVER.oldMenu)).ino).toBe(ino);
    const fields = parseExport(output(["blkid", "--probe", "--output", "export", old.device]));
    expect(fields.get("LABEL")).toBe("old-root");
    expect(readTakeoverRecord(old.root)).toEqual({
      uuid: fields.get("UUID") ?? "",
      grub: "/boot/grub",
      madeEnvironment: false,
      afterwards: "power-off",
    });
    output(["sha256sum", "--check", "--quiet", TAKEOVER.checksums.slice(1)], "", old.root);
    expect(existsSync(at("k3os/system/takeover")) && existsSync(at("k3os/system/poweroff"))).toBe(true);
    expect(readFileSync(at(TAKEOVER.newMenu), "utf8")).toContain('menuentry "k3OS Current"');
  });

  test("is taken back to the last byte, its first failed boot included", async () => {
    expectPrepared(await takeOver());
    setVariable(at("boot/grub/grubenv"), "k3os_takeover", "tried");
    renameSync(at("etc/motd"), at(TAKEOVER.oldMotd));
    writeFileSync(at("etc/motd"), "Welcome\nk3OS did not take over\n");
    expect((await undo()).status).toBe(0);
    expect(timeless(old.fingerprint())).toBe(timeless(before));
    expect(await undo()).toMatchObject({ status: 1, stderr: "Error: No takeover is prepared here" });
  });

  test("can be prepared anew: it begins as if it had never been tried, and undo still knows the old menu", async () => {
    await takeOver();
    setVariable(at("boot/grub/grubenv"), "k3os_takeover", "tried");
    expectPrepared(await takeOver());
    expect(parseEnvironment(readFileSync(at("boot/grub/grubenv"), "latin1")).size).toBe(0);
    await undo();
    expect(timeless(old.fingerprint())).toBe(timeless(before));
  });

  test("leaves a menu that the old system has written since", async () => {
    await takeOver();
    rmSync(at(MENU));
    writeFileSync(at(MENU), "# by update-grub\n");
    expect((await undo()).status).toBe(0);
    expect(readFileSync(at(MENU), "utf8")).toBe("# by update-grub\n");
    expect(existsSync(at("k3os"))).toBe(false);
  });

  test("finds GRUB where Fedora has it, also where its menu is made of loader entries", async () => {
    renameSync(at("boot/grub"), at("boot/grub2"));
    writeFileSync(at("boot/grub2/grub.cfg"), "insmod blscfg\nblscfg\n");
    const fedora = old.fingerprint();
    const { status } = await takeOver(old.device);
    expect([status, readTakeoverRecord(old.root)?.grub]).toEqual([0, "/boot/grub2"]);
    expect(readFileSync(at("boot/grub2/grub.cfg"), "utf8")).toStartWith(TAKEOVER_MARK);
    await undo();
    expect(old.fingerprint()).toBe(fedora);
  });

  test("makes GRUB's environment block where there is none, and undo removes it", async () => {
    rmSync(at("boot/grub/grubenv"));
    const without = old.fingerprint();
    expectPrepared(await takeOver());
    expect(statSync(at("boot/grub/grubenv")).size).toBe(1024);
    await undo();
    expect(old.fingerprint()).toBe(without);
  });
});

describe("a takeover that is ended", () => {
  test("by SIGKILL after any of its messages starts the old system, can be undone, and can be done again", async () => {
    let messages = 0;
    for (let nth = 1; ; nth++) {
      const ended = await old.run(["install", "--bootstrap", "--takeover"], { killAt: nth });
      if (ended.status === 0) break;
      expect(ended.signal).toBe("SIGKILL");
      messages = nth;
      const ours = readFileSync(at(MENU), "utf8").startsWith(TAKEOVER_MARK);
      expect(ours ? existsSync(at(TAKEOVER.oldMenu)) : readFileSync(at(MENU), "utf8")).toBe(
        ours ? true : 'menuentry "Old" { true; }\n',
      );
      if (nth % 2 === 0) expectPrepared(await takeOver());
      if (existsSync(at(TAKEOVER.directory))) await undo();
      else if (existsSync(at("k3os"))) rmdirSync(at("k3os")); // ended before it made the directory in there
      expect(old.fingerprint()).toBe(before);
    }
    expect(messages).toBe(5);
  }, 60_000);

  test("by a file system that has become full leaves nothing behind", async () => {
    const free = Number(output(["stat", "--file-system", "--format=%a", old.root])) * 4096;
    output(["truncate", "--size=1M", at("mnt/medium/k3os/system/large")]);
    output(["fallocate", `--length=${free - (60 << 20)}`, at("filler")]);
    const filled = old.fingerprint();
    const { status, stderr } = await takeOver();
    expect([status, stderr]).toEqual([1, expect.stringContaining("has too little free space")]);
    expect(old.fingerprint()).toBe(filled);
  });
});

describe("a machine that cannot be taken over is told of it, and stays as it was:", () => {
  async function refusal(...argv: readonly string[]): Promise<string> {
    const now = old.fingerprint();
    const { status, stderr } = await takeOver(...argv);
    expect(status).toBe(1);
    expect(old.fingerprint()).toBe(now);
    return stderr;
  }

  test("a device that is not that of /", async () => {
    using other = makeDisk();
    expect(await refusal(other.path)).toContain(`"${other.path}" is not what "/" is on`);
  });

  test("/boot apart", async () => {
    output(["mount", "--bind", "/tmp", at("boot")]);
    expect(await refusal()).toContain("There is no /boot/grub/grub.cfg nor /boot/grub2/grub.cfg");
    output(["umount", at("boot")]);
    output(["mount", "-t", "tmpfs", "tmpfs", at("boot/grub/i386-pc")]);
    expect(await refusal()).toContain("has no loopback.mod, squash4.mod, linux.mod");
    output(["umount", at("boot/grub/i386-pc")]);
  });

  test("a boot menu that is a link", async () => {
    renameSync(at(MENU), at("boot/grub/real.cfg"));
    symlinkSync("real.cfg", at(MENU));
    expect(await refusal()).toContain('"/boot/grub/grub.cfg" is not a plain file');
  });

  test("another disk of k3OS", async () => {
    using other = makeDisk();
    output(["mkfs.ext4", "-q", "-L", "K3OS_STATE", other.path]);
    expect(await refusal()).toContain(`"${other.path}" is also labelled "K3OS_STATE"`);
  });

  test("a read-only root, and an invalid configuration, in one report", async () => {
    writeFileSync(at("mnt/medium/bad.yaml"), "hostname: [a\n");
    output(["mount", "--options", "remount,ro", old.device, old.root]);
    const report = await refusal("--config", "/mnt/medium/bad.yaml");
    output(["mount", "--options", "remount,rw", old.device, old.root]);
    expect(report).toContain('"/" is mounted read-only');
    expect(report).toContain('The configuration "/mnt/medium/bad.yaml" has errors');
  });

  test("a /k3os of somebody else", async () => {
    output(["mkdir", at("k3os"), at("k3os/other")]);
    expect(await refusal()).toContain('There is a "/k3os" that no takeover has made');
  });

  test("no consent to anything else: without --takeover its disk is not touched", async () => {
    const { status, stderr } = await old.run(["install", "--bootstrap", "--force", old.device.slice(0, -2)]);
    expect(status).toBe(1);
    expect(stderr).toContain(
      `which is what the running system is on; to replace it: --takeover ${old.device}`,
    );
    expect(old.fingerprint()).toBe(before);
  });
});

test("--dry-run shows facts and plan, and changes nothing", async () => {
  const { status, stdout } = await takeOver("--dry-run");
  expect(status).toBe(0);
  expect(stdout).toContain(`Replace the running system on ${old.device}`);
  expect(stdout).toMatch(/Started by GRUB 2\.\d+\S* \(i386-pc\) with \/boot\/grub\/grub\.cfg\n/);
  expect(old.fingerprint()).toBe(before);
});
