import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { MIB } from "../../lib/tools/fs/size.ts";
import { readLinks } from "../../lib/tools/generation/generation-links.ts";
import { changeGeneration, partsOf } from "../../lib/tools/generation/trial.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { createLog } from "../../lib/tools/host/log.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { bootRoot } from "../support/boot-root.ts";
import { damage } from "../support/damage.ts";
import { mountSmallDisk, type SmallDisk } from "../support/small-disk.ts";

/**
 * The second stage of the boot, run by the real executable as process 1 of new namespaces on a root that is not ours:
 * what a board does that has unpacked the tarball. The service manager is a script that reports what it finds.
 */
const EXECUTABLE = join(import.meta.dirname, `../../dist/artifacts/k3os-${hostTarget().arch}`);
const VERSION = "v0.0.1-test";

const SERVICE_MANAGER = `#!/bin/sh
echo "pid $$ mode $(cat /run/k3os/mode)"
echo "hostname $(cat /proc/sys/kernel/hostname) $(cat /etc/hostname)"
echo "machine-id $(cat /etc/machine-id)"
echo "links $(readlink /bin) $(readlink /lib64) $(readlink /var/run) $(readlink /etc/ssh) $(readlink /etc/rancher/node)"
touch /usr/x 2>/dev/null || echo "/usr is read-only"
touch /k3os/system/x 2>/dev/null || echo "/k3os/system is read-only"
[ -e /etc/edited ] || echo "/etc is fresh"
touch /etc/edited
grep -c . /.base/k3os 2>/dev/null || echo "base is gone"
cat /var/kept 2>/dev/null
cat /var/lib/x/file
echo "second boot" > /var/kept
grep " /usr \\| /etc \\| /tmp " /proc/self/mounts | cut -d' ' -f2,3,4 | cut -d, -f1-3
echo done
`;

let scratch = "";

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "k3os-boot-"));
  const userland = join(scratch, "userland");
  for (const directory of [
    "bin",
    "sbin",
    "lib/modules",
    "lib/systemd",
    "lib64",
    "etc/ssh",
    "share/k3os/var/lib/x",
  ]) {
    mkdirSync(join(userland, directory), { recursive: true });
  }
  cpSync("/bin/busybox", join(userland, "bin/busybox"));
  for (const applet of ["sh", "cat", "cp", "cut", "grep", "readlink", "touch"]) {
    symlinkSync("busybox", join(userland, "bin", applet));
  }
  writeFileSync(join(userland, "share/k3os/var/lib/x/file"), "of the image\n");
  writeFileSync(
    join(userland, "etc/passwd"),
    "root:x:0:0::/root:/bin/sh\nrancher:x:1000:1000::/home/rancher:/bin/sh\n",
  );
  writeFileSync(join(userland, "etc/group"), "root:x:0:\nrancher:x:1000:\n");
  writeFileSync(join(userland, "etc/shadow"), "root:*:1::::::\nrancher:!:1::::::\n");
  writeFileSync(join(userland, "etc/ssh/sshd_config"), "PermitRootLogin no\n");
  writeFileSync(join(userland, "lib/systemd/systemd"), SERVICE_MANAGER, { mode: 0o755 });
  await runProgram(["mksquashfs", userland, join(scratch, "k3os.squashfs"), "-quiet", "-no-progress"]);
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A root directory as the overlay tarball leaves it on a board; `name` may be a path elsewhere. */
function makeRoot(name: string, options: { squashfs?: boolean; config?: string } = {}): string {
  const root = resolve(scratch, name);
  const version = join(root, "k3os/system/k3os", VERSION);
  for (const directory of [version, join(root, "sbin"), join(root, "bin"), join(root, "old")]) {
    mkdirSync(directory, { recursive: true });
  }
  cpSync(EXECUTABLE, join(version, "k3os"));
  if (options.squashfs !== false) cpSync(join(scratch, "k3os.squashfs"), join(version, "k3os.squashfs"));
  symlinkSync(VERSION, join(root, "k3os/system/k3os/current"));
  symlinkSync("../k3os/system/k3os/current/k3os", join(root, "sbin/init"));
  cpSync("/bin/busybox", join(root, "bin/busybox"));
  writeFileSync(join(root, "k3os/system/config.yaml"), options.config ?? "hostname: board-1\n");
  return root;
}

describe("/sbin/init on a foreign root", () => {
  test("enters the userland, builds the system and hands over to the service manager as process 1", () => {
    const output = bootRoot(makeRoot("board"));
    expect(output).toContain("pid 1 mode local\n");
    expect(output).toContain("hostname board-1 board-1\n");
    expect(output).toMatch(/machine-id [0-9a-f]{32}\n/);
    expect(output).toContain(
      "links usr/bin usr/lib64 /run /var/lib/rancher/k3os/ssh /var/lib/rancher/k3os/node\n",
    );
    expect(output).toContain("/usr is read-only\n");
    expect(output).toContain("/k3os/system is read-only\n");
    expect(output).toContain("base is gone\n");
    expect(output).toContain("of the image\n");
    expect(output).toContain("/usr squashfs ro,");
    expect(output).toMatch(/^\/etc (?:overlay|tmpfs) rw,nosuid,nodev$/m);
    expect(output).toContain("/tmp tmpfs rw,nosuid,nodev\n");
    expect(output).toEndWith("done\n");
  });

  test("keeps identity and /var, and starts with a fresh /etc, at the second boot", () => {
    const root = makeRoot("twice");
    const first = bootRoot(root);
    const second = bootRoot(root);
    const id = /machine-id \w+/;
    expect(second.match(id)?.[0]).toBe(first.match(id)?.[0] ?? "none");
    expect(first).not.toContain("second boot");
    expect(second).toContain("second boot\n");
    expect(second).toContain("/etc is fresh\n");
    const journals = join(root, "k3os/data/var/lib/rancher/k3os/boot");
    expect(readFileSync(join(journals, "boot.log"), "utf8")).toContain("Starting services");
    expect(existsSync(join(journals, "boot.log.1"))).toBe(true);
  });

  test("offers the system's container images to k3s, and no longer those that are gone", () => {
    const root = makeRoot("images");
    const [delivered, imported] = [
      join(root, "k3os/system/images"),
      join(root, "k3os/data/var/lib/rancher/k3s/agent/images"),
    ];
    mkdirSync(delivered);
    for (const name of ["a.tar", "b.tar.zst"]) writeFileSync(join(delivered, name), name);
    bootRoot(root);
    expect(readdirSync(imported).sort()).toEqual(["a.tar", "b.tar.zst"]);
    expect(readlinkSync(join(imported, "a.tar"))).toBe("/k3os/system/images/a.tar");
    writeFileSync(join(imported, "mine.tar"), "mine");
    rmSync(join(delivered, "a.tar"));
    expect(bootRoot(root)).toEndWith("done\n");
    expect(readdirSync(imported).sort()).toEqual(["b.tar.zst", "mine.tar"]);
  });

  test("says what is missing when the version has no root image", () => {
    const output = bootRoot(makeRoot("bare", { squashfs: false }));
    expect(output).toContain("k3OS could not boot");
    expect(output).toContain(`k3os/${VERSION}/k3os.squashfs" is missing`);
  });

  test.each([
    "usr/lib/systemd/systemd", // what /sbin/init was a link to, before tar wrote over it
    "sbin/init.before-k3os",
  ])("starts /%s with the kernel's arguments when the root image is missing", (path) => {
    const root = makeRoot(path.replaceAll("/", "-"), { squashfs: false });
    mkdirSync(dirname(join(root, path)), { recursive: true });
    const old = '#!/bin/busybox sh\necho "old init $0 $*"\n/bin/busybox grep k3os /proc/mounts\necho done\n';
    writeFileSync(join(root, path), old, { mode: 0o755 });
    expect(bootRoot(root, { args: ["single"] })).toEndWith(`old init /${path} single\ndone\n`);
  });

  test("starts the old init where the root can never be written to", async () => {
    const root = makeRoot("read-only");
    // it has run before, so that nothing has to be made to enter it
    for (const base of ["", "k3os/data"]) {
      for (const name of ["dev", "proc", "sys", "run"])
        mkdirSync(join(root, base, name), { recursive: true });
    }
    for (const name of ["usr", ".base"]) mkdirSync(join(root, "k3os/data", name));
    for (const name of ["bin", "sbin", "lib", "lib64"])
      symlinkSync(`usr/${name}`, join(root, "k3os/data", name));
    const old = "#!/bin/busybox sh\necho old init\n";
    writeFileSync(join(root, "sbin/init.before-k3os"), old, { mode: 0o755 });
    const image = `${root}.squashfs`;
    await runProgram(["mksquashfs", root, image, "-quiet", "-no-progress", "-noD", "-noF"]);
    const mounted = `${root}-mounted`;
    mkdirSync(mounted);
    await runProgram(["mount", "-o", "loop", image, mounted]);
    try {
      expect(bootRoot(mounted)).toEndWith("old init\n");
    } finally {
      await runProgram(["umount", mounted]);
    }
  });

  test.each([
    ["factory-reset", "", []],
    ["factory-reset.json", '{"keep":["/var/kept","/link/file"]}', ["second boot\n"]],
    ["factory-reset.json", '{"keep":["/../../etc"]}', ["second boot\n", "files stay\n"]],
  ])("deletes its data once for the marker %s %s", (marker, list, found) => {
    const root = makeRoot(`reset-${found.length}`);
    bootRoot(root);
    const data = join(root, "k3os/data");
    writeFileSync(join(data, "var/extra"), "files stay\n");
    symlinkSync("/old", join(data, "link"));
    writeFileSync(join(root, "old/file"), "of the board");
    writeFileSync(join(root, "k3os/system", marker), list);
    const output = bootRoot(root);
    expect(output).toEndWith("done\n");
    expect(output.includes("second boot")).toBe(found.includes("second boot\n"));
    expect(existsSync(join(data, "var/extra"))).toBe(found.includes("files stay\n"));
    expect(readFileSync(join(root, "old/file"), "utf8")).toBe("of the board");
    expect(existsSync(join(root, "k3os/system", marker))).toBe(found.length === 2);
    expect(bootRoot(root)).toContain("second boot\n"); // what the reset start has written is still there
  });

  test("boots with a broken configuration, and the journal says where it is broken", () => {
    const root = makeRoot("broken", { config: "hostname: [1\n" });
    const output = bootRoot(root);
    expect(output).toEndWith("done\n");
    const journal = join(root, "k3os/data/var/lib/rancher/k3os/boot/boot.log");
    expect(readFileSync(journal, "utf8")).toContain("/k3os/system/config.yaml:");
  });
});

describe("a version on trial whose root image is missing", () => {
  const NEXT = "v0.0.2-test";

  /** On a file system of its own, since what it lacks is part of the test. */
  function makeTrial(): { readonly root: string; readonly disk: SmallDisk } & Disposable {
    const disk = mountSmallDisk({ size: 200 * MIB, inodes: 2048 }, (mounted) =>
      putOnTrial(join(mounted, "board")),
    );
    return { root: join(disk.root, "board"), disk, [Symbol.dispose]: disk[Symbol.dispose] };
  }

  function putOnTrial(root: string): void {
    makeRoot(root);
    const system = join(root, "k3os/system");
    expect(bootRoot(root)).toEndWith("done\n"); // once before the upgrade, as every machine that is upgraded
    mkdirSync(join(system, "k3os", NEXT));
    linkSync(join(system, "k3os", VERSION, "k3os"), join(system, "k3os", NEXT, "k3os"));
    const parts = partsOf(readLinks(system), { k3os: NEXT });
    const options = { since: "2030", keep: 0, tolerated: [], keepData: false };
    changeGeneration(system, { kind: "upgrade", parts, ...options }, { log: createLog(() => undefined) });
  }

  /** What each start prints, until one ends well; four are more than any trial has. */
  function startUntilDone(root: string): string[] {
    const outputs: string[] = [];
    while (outputs.length < 4 && !outputs.at(-1)?.endsWith("done\n")) outputs.push(bootRoot(root));
    return outputs;
  }

  test.each(["no free block", "no free inode"] as const)(
    "gives way at once with %s",
    (lack) => {
      using node = makeTrial();
      node.disk.fill(lack);
      expect(startUntilDone(node.root)).toEqual([expect.stringMatching(/pid 1 mode local\n.*done\n$/s)]);
      expect(readlinkSync(join(node.root, "k3os/system/k3os/current"))).toBe(VERSION);
    },
    120_000,
  );

  test("gives way after one more start when the record is damaged", () => {
    using node = makeTrial();
    damage(join(node.root, "k3os/system/trial.json"), "NUL bytes");
    const outputs = startUntilDone(node.root);
    expect([outputs.length, outputs.at(-1)]).toEqual([2, expect.stringMatching(/done\n$/)]);
    expect(readlinkSync(join(node.root, "k3os/system/k3os/current"))).toBe(VERSION);
    expect(existsSync(join(node.root, "k3os/system/trial.json.damaged"))).toBe(true);
  }, 120_000);

  test("ends in a shell, with the reason, where no link can be changed", () => {
    using node = makeTrial();
    expect(bootRoot(node.root)).not.toEndWith("done\n"); // so that the trial has begun
    node.disk.makeReadOnly();
    const output = bootRoot(node.root);
    expect(output).toContain("k3OS could not boot");
    expect(output).toContain("cannot be made current");
  }, 120_000);
});
