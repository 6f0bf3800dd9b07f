import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { sshServer } from "../../lib/inspect/checks/check-ssh-server.ts";
import programs from "../../lib/legacy/programs.json" with { type: "json" };
import { APPLET_LINKS, LEFT_OUT_APPLETS } from "../../lib/make/image/applets.ts";
import { filesBelow } from "../../lib/tools/fs/walk.ts";
import { runProgram, systemHost } from "../../lib/tools/host/host.ts";
import { UNIT } from "../../lib/tools/host/paths.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { type UnpackedImage, unpackImage } from "../support/image.ts";

/** The userland of the image, and its programs run inside of it. */
const { arch } = hostTarget();
let image: UnpackedImage;
let medium = "";
let usr = "";
let root = "";
let inUserland: UnpackedImage["inUserland"];

beforeAll(async () => {
  image = await unpackImage();
  ({ medium, usr, root, inUserland } = image);
});

afterAll(() => image?.[Symbol.dispose]());

describe("the userland", () => {
  test("runs: every program finds its interpreter and libraries", async () => {
    const libraries = new Set(filesBelow(usr).map((path) => path.replace(/.*\//, "")));
    const missing: string[] = [];
    for (const path of filesBelow(usr)) {
      const file = join(usr, path);
      if (lstatSync(file).isSymbolicLink()) continue;
      const head = readFileSync(file).subarray(0, 128).toString("latin1");
      const interpreter = /^#! ?(\S+)/.exec(head)?.[1];
      if (interpreter !== undefined && !lstatExists(join(root, interpreter)))
        missing.push(`${path}: ${interpreter}`);
      if (head.startsWith("\x7fELF")) {
        for (const library of neededLibraries(file))
          if (!libraries.has(library)) missing.push(`${path}: ${library}`);
      }
    }
    expect(missing).toEqual([]);
  });

  test("has no link of its own that leads nowhere", () => {
    const dangling = filesBelow(usr).filter((path) => {
      const file = join(usr, path);
      if (!lstatSync(file).isSymbolicLink()) return false;
      const target = readlinkSync(file);
      // links into /usr must lead somewhere; others lead to what the running system makes
      if (target.startsWith("/")) return target.startsWith("/usr/") && !lstatExists(join(root, target));
      const template = path.startsWith("etc/") || path.startsWith("share/k3os/var/");
      return !template && target !== UNIT.k3s && !lstatExists(join(dirname(file), target));
    });
    expect(dangling).toEqual([]);
  });

  test("says what it is", () => {
    const release = readFileSync(join(root, "etc/os-release"), "utf8");
    expect(release).toContain("ID=k3os\n");
    expect(release).toContain(`/k3os-${arch}.iso"`);
    expect(release).toContain(`VERSION_ID="${readlinkSync(join(medium, "k3os/system/k3os/current"))}"`);
  });

  test("holds nothing that would make two machines alike", () => {
    const unique = ["machine-id", "hostname", "hosts"].map((name) => join(usr, "etc", name));
    expect(unique.filter((path) => existsSync(path) && statSync(path).size > 0)).toEqual([]);
    expect(readdirSync(join(usr, "etc/ssh")).filter((name) => name.includes("host_"))).toEqual([]);
    expect(readFileSync(join(root, "var/lib/iscsi/initiatorname.iscsi"), "utf8")).toBe("GenerateName=yes\n");
  });

  test("holds no path of the build", () => {
    const found =
      readFileSync(join(usr, "lib/udev/hwdb.bin"))
        .toString("latin1")
        .match(/[^\0]*\.hwdb\0/g) ?? [];
    expect(found.length).toBeGreaterThan(10);
    expect(found.filter((path) => !path.startsWith("/mnt/usr/lib/udev/hwdb.d/"))).toEqual([]);
  });

  test("lets only rancher in, without a password", async () => {
    expect((await inUserland("id", "rancher")).stdout).toBe(
      "uid=1000(rancher) gid=1000(rancher) groups=1000(rancher),27(sudo),999(systemd-journal)\n",
    );
    const shadow = readFileSync(join(root, "etc/shadow"), "utf8").trim().split("\n");
    expect(shadow.filter((line) => !["*", "!", "!*"].includes(line.split(":")[1] ?? ""))).toEqual([]);
    expect(statSync(join(root, "etc/shadow")).mode & 0o777).toBe(0o640);
  });

  test("gives rancher all rights by sudo, which accepts its files", async () => {
    expect(await inUserland("visudo", "--check")).toMatchObject({ code: 0 });
    expect((await inUserland("sudo", "-l", "-U", "rancher")).stdout).toContain("(ALL) NOPASSWD: ALL");
    expect(statSync(join(usr, "bin/sudo")).mode & 0o7777).toBe(0o4755);
  });

  test("has an ssh server with the original's restrictions", async () => {
    await inUserland("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/etc/ssh/ssh_host_ed25519_key");
    mkdirSync(join(root, "run/sshd"), { recursive: true });
    const { code, stdout, stderr } = await inUserland("/usr/sbin/sshd", "-T");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const settings = stdout.split("\n");
    for (const line of [
      "permitrootlogin no",
      "passwordauthentication no",
      "allowtcpforwarding no",
      "gatewayports no",
    ]) {
      expect(settings).toContain(line);
    }
    for (const line of [
      "x11forwarding no",
      "logingracetime 30",
      "maxauthtries 5",
      "subsystem sftp internal-sftp",
    ]) {
      expect(settings).toContain(line);
    }
    expect(stdout).not.toMatch(/^ciphers .*(3des|cbc)/m);
    expect(stdout).not.toMatch(/^macs .*sha1/m);
    const host = { ...systemHost({ root }), run: (argv: readonly string[]) => inUserland(...argv) };
    expect(sshServer.judge(await sshServer.facts(host))).toMatchObject({ state: "ok" });
    appendFileSync(
      join(root, "etc/ssh/sshd_config"),
      "Match Address 203.0.113.0/24\nPasswordAuthentication yes\n",
    );
    expect(sshServer.judge(await sshServer.facts(host))).toMatchObject({
      state: "warning",
      message: expect.stringContaining("passwordauthentication yes"),
    });
  });

  test("installs GRUB for every platform of the ISO", async () => {
    for (const platform of hostTarget().grub) {
      expect(existsSync(join(usr, "lib/grub", platform, "normal.mod"))).toBe(true);
    }
    expect(await inUserland("grub-install", "--version")).toMatchObject({ code: 0 });
  });

  test("starts only units that exist, and ours are right", async () => {
    const units = join(usr, "lib/systemd/system");
    const lost = filesBelow(units).filter((path) => {
      const file = join(units, path);
      if (!lstatSync(file).isSymbolicLink() || existsSync(file)) return false;
      // the configuration writes the unit of k3s
      return !["/dev/null", UNIT.k3s].includes(readlinkSync(file));
    });
    expect(lost).toEqual([]);
    const own = [
      "cloud-config",
      "ccapply",
      "k3os-k3s-start",
      "local",
      "issue",
      "crond",
      "ssh-host-key@ed25519",
      "connman",
      "ssh",
    ].map((name) => `${name}.service`);
    await enterExecutable("/usr/bin/true", root);
    const { code, stdout, stderr } = await inUserland("systemd-analyze", "verify", "--man=no", ...own);
    expect({ code, said: `${stdout}${stderr}` }).toEqual({ code: 0, said: "" });
  });

  test("has every applet of BusyBox that no other program is, but those left out on purpose", async () => {
    const applets = (await inUserland("busybox", "--list")).stdout.trim().split("\n");
    const links = Object.keys(APPLET_LINKS);
    const programs = ["bin", "sbin"].flatMap((name) =>
      readdirSync(join(usr, name)).map((file) => `${name}/${file}`),
    );
    const others = new Set(programs.filter((path) => !links.includes(path)).map((path) => basename(path)));
    const leftOut = Object.values(LEFT_OUT_APPLETS).flat();
    const wanted = applets.filter((name) => !others.has(name) && !leftOut.includes(name));
    expect(links.map((path) => basename(path)).sort()).toEqual(wanted.sort());
    expect(
      links.filter((path) => statSync(join(usr, path)).ino !== statSync(join(usr, "bin/busybox")).ino),
    ).toEqual([]);
    const deaf: string[] = [];
    for (const name of wanted) {
      const { stdout, stderr } = await inUserland(name, "--help");
      if (!`${stdout}${stderr}`.includes(`Usage: ${name}`)) deaf.push(name);
    }
    expect(deaf).toEqual([]);
  });

  test("has the programs that the check of commands knows, and no others", () => {
    const found = ["bin", "sbin"].flatMap((name) => readdirSync(join(usr, name)));
    const known = Object.values(programs).flatMap((line) => line.split(" "));
    // boot loaders and agents of hypervisors differ from one architecture to the next
    if (arch === "amd64") expect(known.sort()).toEqual([...new Set(found)].sort());
  });

  describe("has the commands of the original's system:", () => {
    beforeAll(async () => {
      await enterExecutable(join(medium, "k3os/system/k3os/current/k3os"), root);
    });

    test("adduser, addgroup, deluser and delgroup", async () => {
      const { code } = await inUserland(
        "adduser",
        "-D",
        "-g",
        "Some Body",
        "-s",
        "/bin/sh",
        "-u",
        "1500",
        "-h",
        "/srv/sb",
        "sb",
      );
      expect(code).toBe(0);
      expect(readFileSync(join(root, "etc/passwd"), "utf8")).toContain(
        "sb:x:1500:1500:Some Body:/srv/sb:/bin/sh\n",
      );
      expect(statSync(join(root, "srv/sb")).uid).toBe(1500);
      for (const argv of [
        ["addgroup", "-g", "1600", "team"],
        ["adduser", "sb", "team"],
        ["addgroup", "sb", "users"],
      ]) {
        expect(await inUserland(...argv)).toMatchObject({ code: 0 });
      }
      expect((await inUserland("id", "-nG", "sb")).stdout.trim().split(" ").sort()).toEqual([
        "sb",
        "team",
        "users",
      ]);
      expect(await inUserland("delgroup", "sb", "team")).toMatchObject({ code: 0 });
      expect(await inUserland("deluser", "--remove-home", "sb")).toMatchObject({ code: 0 });
      expect(await inUserland("delgroup", "team")).toMatchObject({ code: 0 });
      expect(existsSync(join(root, "srv/sb"))).toBe(false);
      expect(await inUserland("adduser", "-S", "-D", "-H", "daemon2")).toMatchObject({ code: 0 });
    });

    test("rc-update and service, before services start", async () => {
      const wants = join(root, "etc/systemd/system/multi-user.target.wants");
      expect(await inUserland("rc-update", "add", "crond", "default")).toMatchObject({ code: 0 });
      expect(readdirSync(wants)).toEqual(["crond.service"]);
      expect(await inUserland("rc-service", "iscsid", "start")).toMatchObject({ code: 0 });
      expect(await inUserland("/etc/init.d/ntpd", "restart")).toMatchObject({ code: 0 });
      expect(readdirSync(wants).sort()).toEqual([
        ...["crond.service", "iscsid.service", "systemd-timesyncd.service"],
      ]);
      expect(await inUserland("rc-update", "del", "crond")).toMatchObject({ code: 0 });
      expect(await inUserland("rc-update", "del", "sshd")).toMatchObject({ code: 0 });
      expect(readlinkSync(join(root, "etc/systemd/system/ssh.service"))).toBe("/dev/null");
      expect(await inUserland("service", "sshd", "start")).toMatchObject({ code: 0 });
      expect(lstatExists(join(root, "etc/systemd/system/ssh.service"))).toBe(false);
      expect(await inUserland("rc-service", "haveged", "start")).toMatchObject({ code: 0 });
      expect((await inUserland("rc-status")).stdout).toMatch(/^ sshd +\[ {2}stopped {2}\]$/m);
      const unknown = await inUserland("service", "no-such", "start");
      expect(unknown).toMatchObject({ code: 1 });
      expect(unknown.stderr).toContain('Unknown service "no-such"');
      expect(readdirSync(join(usr, "etc/init.d"))).toContain("k3s-service");
    });

    test("apk says what to do instead", async () => {
      const { code, stderr } = await inUserland("apk", "add", "--no-cache", "nano");
      expect(code).toBe(1);
      expect(stderr).toContain("sudo toolbox");
    });
  });

  test("lets somebody in who is in /etc/passwd alone", async () => {
    // the recipe of boxes for Vagrant
    const sed = ["sed", "-e", "/^rancher/p", "-e", "s/^rancher/vagrant/", "-i", "/etc/passwd"];
    expect(await inUserland(...sed)).toMatchObject({ code: 0 });
    expect((await inUserland("id", "vagrant")).stdout).toContain("uid=1000(rancher)");
    expect(await inUserland("runuser", "--login", "--command", "id -u", "vagrant")).toMatchObject({
      code: 0,
      stdout: "1000\n",
    });
    expect((await inUserland("sudo", "-l", "-U", "vagrant")).stderr).not.toContain(
      "account validation failure",
    );
  });

  test("knows today's and yesterday's names of time zones", () => {
    for (const name of ["Europe/Berlin", "US/Pacific", "GB", "Etc/GMT+8", "posix/Asia/Tokyo", "right/UTC"]) {
      expect([
        name,
        readFileSync(join(usr, "share/zoneinfo", name))
          .subarray(0, 4)
          .toString(),
      ]).toEqual([name, "TZif"]);
    }
  });

  test("has no tool that would change it", () => {
    const tools = ["apt", "apt-get", "dpkg", "perl", "python3"].map((name) => join(usr, "bin", name));
    expect(tools.filter(existsSync)).toEqual([]);
  });
});

/** Puts a program where the links of the image lead. */
async function enterExecutable(program: string, root: string): Promise<void> {
  const executable = join(root, "k3os/system/k3os/current/k3os");
  mkdirSync(dirname(executable), { recursive: true });
  await runProgram(["cp", "--remove-destination", program, executable]);
}

function lstatExists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function neededLibraries(file: string): string[] {
  const { stdout } = spawnSync("readelf", ["--dynamic", "--wide", file], { encoding: "utf8" });
  return [...stdout.matchAll(/\(NEEDED\).*\[(.+)\]/g)].flatMap(([, name]) =>
    name === undefined ? [] : [name],
  );
}
