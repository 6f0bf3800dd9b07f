import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isLostText } from "../../lib/tools/fs/lost-content.ts";
import { walk } from "../../lib/tools/fs/walk.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { messageOf } from "../../lib/tools/text/errors.ts";
import { bootRoot } from "../support/boot-root.ts";
import { ARTIFACTS } from "../support/image.ts";
import { describeLong } from "../support/left-out.ts";
import { everyPrefix, type PowerCut, type Recording, recordWrites } from "../support/power-cut.ts";

const { arch } = hostTarget();
const DATA = "k3os/data";
const STATE = `${DATA}/var/lib/rancher/k3os`;
const SSH = `${STATE}/ssh`;
const KEY_UNIT = "lib/systemd/system/ssh-host-key@.service";
const KEY_KINDS = ["ed25519", "ecdsa"] as const;

/** What of the userland a boot needs to its end, and the programs that make host keys and judge sshd's settings. */
const NEEDED = [
  ..."etc share/k3os/var lib64 lib/openssh sbin/sshd".split(" "),
  ...["bash", "cat", "cp", "mkdir", "mv", "rm", "sh", "ssh-keygen", "sync"].map((name) => `bin/${name}`),
];

/** Two releases, of which the second has other settings for sshd: system directories. */
const RELEASES = { old: "", new: "" };
let scratch: string;
let image: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "k3os-power-boot-"));
  image = join(scratch, "usr");
  const packed = ["--wildcards", "--strip-components=5", "-C", scratch, "*/k3os.squashfs"];
  await runProgram(["tar", "-xzf", join(ARTIFACTS, `k3os-rootfs-${arch}.tar.gz`), ...packed]);
  const libraries = ["lib/*-linux-gnu*", KEY_UNIT, "bin/dash"];
  const unpack = ["unsquashfs", "-quiet", "-no-progress", "-dest", image];
  await runProgram([...unpack, join(scratch, "k3os.squashfs"), ...NEEDED, ...libraries]);
  writeFileSync(join(image, "lib/systemd/systemd"), serviceManager(), { mode: 0o755 });
  for (const name of ["lib/modules", "lib/firmware"]) mkdirSync(join(image, name), { recursive: true });
  RELEASES.old = await makeRelease("old");
  appendFileSync(join(image, "etc/ssh/sshd_config"), "MaxSessions 7\n");
  RELEASES.new = await makeRelease("new");
}, 120_000);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

async function makeRelease(name: "old" | "new"): Promise<string> {
  const version = join(scratch, name, "k3os/v1");
  mkdirSync(version, { recursive: true });
  cpSync(join(ARTIFACTS, `k3os-${arch}`), join(version, "k3os"));
  symlinkSync("v1", join(scratch, name, "k3os/current"));
  const options = ["-quiet", "-no-progress", "-noD", "-noF", "-noI"];
  await runProgram(["mksquashfs", image, join(version, "k3os.squashfs"), ...options]);
  return join(scratch, name);
}

/** Does with the host keys what their unit says, has sshd judge, and tells what makes this machine itself. */
function serviceManager(): string {
  const unit = readFileSync(join(image, KEY_UNIT), "utf8");
  const commands = [...unit.matchAll(/^Exec\w+=(.*)$/gm)].map(([, command = ""]) => command);
  expect(commands.length).toBeGreaterThan(1);
  const make = (kind: string) =>
    `[ -s /etc/ssh/ssh_host_${kind}_key ] || {\n${commands.join("\n").replaceAll("%i", kind)}\n}`;
  return `#!/bin/sh
${KEY_KINDS.map(make).join("\n")}
mkdir -p /run/sshd
/usr/sbin/sshd -t && echo "sshd agrees"
echo "name $(cat /etc/hostname)"
cat /etc/machine-id /etc/iscsi/initiatorname.iscsi /etc/rancher/node/password
echo "done"
`;
}

/** A root that starts a release, as the overlay tarball leaves it on a board. */
function prepare(root: string): void {
  for (const name of ["k3os/system", "sbin", "bin", "old"]) mkdirSync(join(root, name), { recursive: true });
  symlinkSync("../k3os/system/k3os/current/k3os", join(root, "sbin/init"));
  cpSync("/bin/busybox", join(root, "bin/busybox"));
}

function start(root: string, release: keyof typeof RELEASES): void {
  const said = bootRoot(root, { system: RELEASES[release] });
  expect(said).toEndWith("done\n");
  expect(said).toContain("sshd agrees\n");
  expect(said).toMatch(/^name k3os-\d+$/m);
  expect(said).toMatch(/^[0-9a-f]{32}\nInitiatorName=iqn\.[\w.:-]+\n[0-9a-f]{32}\ndone$/m);
}

const settingsOf = (release: keyof typeof RELEASES) => {
  const text = readFileSync(join(image, "etc/ssh/sshd_config"), "utf8");
  return release === "new" ? text : text.replace("MaxSessions 7\n", "");
};

/** What of the image the boot copies, and where to. */
const COPIES: Readonly<Record<string, string>> = { "etc/ssh": SSH, "share/k3os/var": `${DATA}/var` };
const INITIATOR = `${DATA}/var/lib/iscsi/initiatorname.iscsi`;
/** A file that is being written, under a name of its own. */
const TEMPORARY = /\/\.[^/]+\.(new|[0-9a-f]{12})(\.pub)?$/;

/** Of what the boot has made every file is whole, and a copy of the image's equals it. */
function expectWhole(root: string, releases: readonly (keyof typeof RELEASES)[]): void {
  const read = (path: string) => readFileSync(join(root, path));
  const isThere = (path: string) => existsSync(join(root, path));
  const isOwn = (path: string) => path === `${SSH}/sshd_config` || path === INITIATOR;
  for (const [original, directory] of Object.entries(COPIES)) {
    for (const path of plainFiles(join(image, original))) {
      const copy = join(directory, path);
      if (isOwn(copy) || !isThere(copy)) continue;
      expect([copy, read(copy).equals(readFileSync(join(image, original, path)))]).toEqual([copy, true]);
    }
  }
  if (isThere(`${SSH}/sshd_config`)) {
    expect(releases.map(settingsOf)).toContain(read(`${SSH}/sshd_config`).toString());
  }
  const kept = isThere(STATE) ? plainFiles(join(root, STATE)).map((path) => join(STATE, path)) : [];
  for (const path of [...kept, INITIATOR].filter(isThere)) {
    if (TEMPORARY.test(path) || path.startsWith(`${STATE}/boot/`)) continue;
    expect([path, isLostText(read(path))]).toEqual([path, false]);
  }
}

function plainFiles(directory: string): string[] {
  return walk(directory).flatMap(({ path, entry }) => (entry.isFile() ? [path] : []));
}

/** What is wrong after which writes; after every `nth` cut the machine is started again, and `check` looks once more. */
function badCuts(
  recording: Recording,
  { atMost, nth, check }: { atMost: number; nth: number; check: (cut: PowerCut, again: boolean) => void },
): { readonly looked: number; readonly bad: readonly string[] } {
  const bad: string[] = [];
  let looked = 0;
  for (const cut of everyPrefix(recording, { atMost })) {
    try {
      check(cut, looked++ % nth === 0);
    } catch (error) {
      bad.push(`after ${cut.writes} of ${recording.writes.length} writes: ${messageOf(error)}`);
    }
  }
  return { looked, bad };
}

async function cutFirstBoot(restless: boolean, some: { atMost: number; nth: number }): Promise<void> {
  const options = { prepare, restless, until: "unmounted" } as const;
  using recording = await recordWrites(options, (root) => start(root, "new"));
  const check = ({ root }: PowerCut, again: boolean) => {
    expectWhole(root, ["new"]);
    if (!again) return;
    start(root, "new");
    expectWhole(root, ["new"]);
    for (const kind of KEY_KINDS) expect(existsSync(join(root, SSH, `ssh_host_${kind}_key`))).toBe(true);
  };
  const { looked, bad } = badCuts(recording, { ...some, check });
  expect(bad).toEqual([]);
  expect(looked).toBeGreaterThan(20);
}

async function cutNextRelease(restless: boolean, some: { atMost: number; nth: number }): Promise<void> {
  let before = "";
  const booted = (root: string) => {
    prepare(root);
    start(root, "old");
    before = identityOf(root);
  };
  const options = { prepare: booted, restless, until: "unmounted" } as const;
  using recording = await recordWrites(options, (root) => start(root, "new"));
  const check = ({ root }: PowerCut, again: boolean) => {
    expectWhole(root, ["old", "new"]);
    expect(identityOf(root)).toBe(before);
    if (!again) return;
    for (const release of ["new", "old", "new"] as const) {
      start(root, release);
      expectWhole(root, [release]);
    }
    expect(identityOf(root)).toBe(before);
  };
  const { looked, bad } = badCuts(recording, { ...some, check });
  expect(bad).toEqual([]);
  expect(looked).toBeGreaterThan(10);
}

/** What stays for ever. */
function identityOf(root: string): string {
  const keys = KEY_KINDS.map((kind) => `${SSH}/ssh_host_${kind}_key`);
  const own = ["machine-id", "hostname", "node/password"].map((name) => `${STATE}/${name}`);
  const paths = [...keys, ...own, INITIATOR];
  return paths.map((path) => readFileSync(join(root, path), "utf8")).join("");
}

// what the kernel may do at any time: there are several times as many moments
describe("a power cut on a restless disk", () => {
  const some = { atMost: 40, nth: 4 };
  test(
    "during the first boot leaves whole files, and the next boot makes the rest",
    () => cutFirstBoot(true, some),
    180_000,
  );
  test(
    "during the first boot of another release leaves the old files or the new",
    () => cutNextRelease(true, { ...some, nth: 8 }),
    180_000,
  );
});

describeLong("a power cut after every single write", () => {
  const all = { atMost: Number.POSITIVE_INFINITY, nth: 12 };
  test.each([false, true])(
    "during the first boot (restless: %p)",
    (restless) => cutFirstBoot(restless, all),
    1_200_000,
  );
  test.each([false, true])(
    "during that of another release (restless: %p)",
    (restless) => cutNextRelease(restless, all),
    1_200_000,
  );
});
