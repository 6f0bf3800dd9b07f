import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { type Machine, VM_DIRECTORY } from "../../lib/make/vm/qemu.ts";
import { generateKey, type SshKey, type SshTarget, ssh, sshOutput } from "../../lib/make/vm/ssh.ts";
import {
  bootDisk,
  createHardware,
  FAILED_UNITS,
  type Hardware,
  installFromMedium,
  installWords,
  reachNode,
  waitUntilApplied,
  within,
} from "../../lib/make/vm/virtual-node.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { ARTIFACTS } from "../support/image.ts";
import { imageArchive } from "../support/image-archive.ts";
import { describeLong } from "../support/left-out.ts";
import { readmeBlocks } from "../support/markdown.ts";
import { makeLabelledDisk } from "../support/state-disk.ts";
import { makeUsedDisk } from "../support/used-disk.ts";

const MINUTE = 60_000;
const USED_SIZE = 4 * 1024 ** 3;
/** Of the disk that the installed one is copied to before its first boot. */
const DISK_SIZE = 5 * 1024 ** 3;

const EXECUTABLE = join(ARTIFACTS, `k3os-${hostTarget().arch}`);

/** JSON is YAML. */
function nodeConfig(key: SshKey): string {
  return JSON.stringify({
    ssh_authorized_keys: [key.publicKey],
    hostname: "node-under-test",
    write_files: [
      { path: "/etc/test.conf", content: "one\ntwo\n", permissions: "0640", owner: "root:sudo" },
      { path: "/var/lib/test/kept", content: "a2VwdA==", encoding: "base64" },
    ],
    init_cmd: ["echo init > /run/test-init"],
    boot_cmd: ["echo boot > /run/test-boot"],
    run_cmd: ["echo run > /run/test-run"],
    // the README's setting, by which the kernel shows no notices on its consoles, and the installer still has to
    k3os: {
      sysctls: { "vm.swappiness": 7, "kernel.printk": "4 4 1 7" },
      environment: { TEST: "a $b" },
      k3s_config: { "write-kubeconfig-mode": "0600", "tls-san": ["node.example.com"] },
      registries: { mirrors: { "docker.io": { endpoint: ["https://registry.example.com:5000"] } } },
    },
  });
}

/** What makes a node itself. */
const IDENTITY = "cat /etc/machine-id /etc/hostname; sudo cat /etc/ssh/ssh_host_ed25519_key.pub";

// one machine for each architecture that has an ISO, and for each kind of firmware
describe("a node installed from the ISO over a used disk on amd64 with bios", () =>
  testNode("amd64", "bios"));
describeLong("a node installed from the ISO over a used disk on arm64 with uefi", () =>
  testNode("arm64", "uefi"),
);

function testNode(arch: "amd64" | "arm64", firmware: "bios" | "uefi"): void {
  let scratch: string;
  let hardware: Hardware;
  let key: SshKey;
  let machine: Machine;
  let node: SshTarget;
  let identity: string;

  const shell = (command: string) => sshOutput(node, command);

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), "k3os-node-"));
    key = await generateKey(scratch);
    hardware = createHardware(`test-${arch}`, { arch, firmware }, USED_SIZE);
    makeUsedDisk(hardware.disk, { table: "gpt", size: USED_SIZE });
    const [config, medium] = [join(scratch, "config.yaml"), join(scratch, "medium.iso")];
    const images = join(scratch, "images.tar.zst");
    writeFileSync(images, zstdCompressSync(await imageArchive([["docker.io/library/test:1"]])));
    writeFileSync(config, nodeConfig(key));
    const remaster = [EXECUTABLE, "remaster", join(ARTIFACTS, `k3os-${arch}.iso`), medium];
    const words = [...installWords(arch), "k3os.install.force"].join(" ");
    const own = ["--config", config, "--images", images];
    await runProgram([...remaster, ...own, "--default", "install", "--cmdline", words]);
    await installFromMedium(hardware, medium);
    rmSync(medium);
    truncateSync(hardware.disk, DISK_SIZE);
    machine = await bootDisk(hardware, { boot: "first" });
    node = await reachNode(machine, key);
    await waitUntilApplied(node);
  }, 18 * MINUTE);

  afterAll(async () => {
    await machine?.kill();
    for (const path of [scratch, hardware?.disk, hardware?.efiVariables]) {
      if (path !== undefined) rmSync(path, { recursive: true, force: true });
    }
  });

  test("has the name, files, settings and commands of its configuration", async () => {
    expect(await shell("hostname")).toBe("node-under-test");
    expect(await shell("sudo cat /etc/test.conf; stat -c '%a %U:%G' /etc/test.conf")).toBe(
      "one\ntwo\n640 root:sudo",
    );
    expect(await shell("cat /var/lib/test/kept")).toBe("kept");
    expect(await shell("cat /run/test-init /run/test-boot /run/test-run")).toBe("init\nboot\nrun");
    expect(await shell("cat /proc/sys/vm/swappiness")).toBe("7");
    expect(await shell("k3os --version")).toMatch(/^k3os version v\d/);
    expect(await shell("sudo k3os config explain hostname")).toContain("/k3os/system/config.yaml");
  });

  test("lets rancher in as administrator, and root not at all", async () => {
    expect(await shell("sudo -n id -u")).toBe("0");
    expect(await shell("sudo grep -c '^root:[!*]' /etc/shadow")).toBe("1");
    expect((await ssh({ ...node, user: "root" }, "true")).code).toBe(255);
    expect(await shell("sudo sshd -T | grep -i ^passwordauthentication")).toBe("passwordauthentication no");
  });

  test("has its file systems as promised", async () => {
    expect(await shell("findmnt -n -o FSTYPE /usr")).toBe("squashfs");
    expect((await ssh(node, "sudo touch /usr/new")).code).not.toBe(0);
    expect(await shell("findmnt -n -o FSTYPE /etc")).toBe("overlay");
    expect(await shell("findmnt -n -o FSTYPE /")).toBe("ext4");
    expect(await shell("readlink /usr/local")).toBe("/var/local");
    expect((await ssh(node, "sudo touch /k3os/system/new")).code).not.toBe(0);
    expect((await ssh(node, "mountpoint -q /.base")).code).not.toBe(0);
  });

  test("starts by its own firmware's way", async () => {
    expect(await shell("test -d /sys/firmware/efi && echo uefi || echo bios")).toBe(firmware);
  });

  test("has grown to the end of its disk", async () => {
    const size = Number(await shell("df -B1 --output=size / | tail -1"));
    expect(size).toBeGreaterThan(0.9 * DISK_SIZE);
    expect((await ssh(node, "sudo test -e /k3os/system/growpart")).code).not.toBe(0);
  });

  test("has a journal of this boot", async () => {
    const journal = await shell("sudo cat /var/lib/rancher/k3os/boot/boot.log");
    expect(journal).toContain("Mode disk");
    expect(journal).toContain("Starting services");
    expect(journal).not.toMatch(/\b(Error|Warning):/);
  });

  test("does what the README says", async () => {
    const blocks = readmeBlocks("test/vm/node.test.ts");
    const [example = ""] = blocks.flatMap(({ language, text }) => (language === "yaml" ? [text] : []));
    await shell(`cat > node.yaml <<'END'\n${example}END\n`);
    const lines = blocks.flatMap(({ language, text }) => (language === "sh" ? text.trim().split("\n") : []));
    const ended: Record<string, number> = {};
    for (const line of lines) {
      const command = line.replace(/ *#.*/, "");
      ended[command] = (await ssh(node, command, { timeout: 3 * MINUTE })).code;
    }
    expect(ended).toEqual({
      "k3os config validate node.yaml": 0,
      "sudo k3os config explain hostname": 0,
      "sudo k3os config --dump": 0,
      "k3os metadata --explain": 1, // none answers
      "k3os ssh-keys fetch github:your-name": 1, // there is no Internet
      "sudo k3os config": 0,
      "k3os status": 0,
      "sudo k3os doctor": 1, // there is no k3s
      "sudo k3os support": 0,
      "sudo k3os reset --preview": 0,
    });
    const bundle = await shell(
      "stat -c '%a' k3os-support-*.tar.gz; sudo tar -tzf k3os-support-*.tar.gz | wc -l",
    );
    expect(bundle).toMatch(/^600\n\d{2,}$/);
  });

  test("has a kernel in which the doctor finds all that k3s needs, and whose configuration can be read", async () => {
    const findings = await ssh(node, "sudo k3os doctor --json");
    const kernel = (JSON.parse(findings.stdout) as { check: string }[]).find(
      ({ check }) => check === "kernel",
    );
    expect(kernel).toEqual({ check: "kernel", state: "ok", message: "has all that k3s needs" } as never);
    expect(await shell("grep -c ^CONFIG_VXLAN=m /boot/config-$(uname -r)")).toBe("1");
  });

  test("shows its banner above the login as it is drawn", () => {
    const console = readFileSync(join(VM_DIRECTORY, `test-${arch}-first.log`), "utf8");
    for (const line of ["| | _|___ / / _ \\/ __|", "| |/ / |_ \\| | | \\__ \\   k3OS v"]) {
      expect(console).toContain(line);
    }
  });

  test("offers the container images of its medium to k3s, and has the files for it", async () => {
    const archive = "/k3os/system/images/images.tar.zst";
    expect(await shell("readlink /var/lib/rancher/k3s/agent/images/images.tar.zst")).toBe(archive);
    expect(await shell("sudo sh -c 'cd /k3os/system/images; sha256sum --check sha256sum.txt'")).toBe(
      "images.tar.zst: OK",
    );
    expect(await shell("sudo sh -c 'stat -c %a /etc/rancher/k3s/registries.yaml'")).toBe("600");
    expect(await shell("sudo cat /etc/rancher/k3s/registries.yaml /etc/rancher/k3s/config.yaml.d/*")).toBe(
      [
        "# Written by k3OS: change the setting instead, k3os.registries",
        ...["mirrors:", "  docker.io:", "    endpoint:", "    - https://registry.example.com:5000"],
        "# Written by k3OS: change the setting instead, k3os.k3s_config",
        ...["tls-san:", "- node.example.com", 'write-kubeconfig-mode: "0600"'],
      ].join("\n"),
    );
  });

  test("tries again to fetch the k3s that it lacks", async () => {
    expect(await shell("systemctl is-active k3os-k3s-download.timer")).toBe("active");
    await shell("sudo systemctl start k3os-k3s-download.service");
    const log = await shell("sudo journalctl --no-pager -o cat -u k3os-k3s-download.service");
    expect(log).toMatch(
      /Cannot download .*: this node is without k3s, which is tried again by k3os-k3s-download/,
    );
  });

  test("has no failed unit", async () => {
    expect(await shell(FAILED_UNITS)).toBe("");
  });

  test(
    "shuts down by its power button, and starts again beside another disk with the same label",
    async () => {
      identity = await shell(IDENTITY);
      await shell("sudo sh -c 'echo changed > /etc/test.conf; echo changed > /etc/motd; echo x > /tmp/gone'");
      await shell(
        "sudo sh -c 'for d in /home/rancher /var/lib /opt /usr/local/bin; do echo x > $d/stays; done'",
      );
      await machine.powerDown();
      await within(machine.exited, 4 * MINUTE, "The machine did not switch itself off");
      const transcript = join(VM_DIRECTORY, `test-${arch}-first.log`);
      expect(readFileSync(transcript, "utf8")).not.toContain("Failed unmounting");
      const other = await makeLabelledDisk(join(scratch, "other.img"));
      machine = await bootDisk(hardware, { boot: "second", others: [other] });
      node = await reachNode(machine, key);
      await waitUntilApplied(node);
    },
    12 * MINUTE,
  );

  test("is the same machine after a restart", async () => {
    expect(await shell(IDENTITY)).toBe(identity);
  });

  test("has taken the disk that its boot menu names, and tells of the other", async () => {
    const [uuid = "", source] = (await shell("findmnt -n -o UUID,SOURCE /")).split(/[ [\]]+/);
    expect(source).toBe("/dev/vda1");
    expect(await shell("cat /proc/cmdline")).toContain(` k3os.state=${uuid} `);
    const finding = `.[] | select(.check == "disk label") | .state, .message`;
    expect(await shell(`sudo k3os doctor --json | jq -r '${finding}'`)).toMatch(
      /^warning\n\/dev\/vdb is labelled/,
    );
  });

  test("keeps /home, /var, /opt and /usr/local over a restart", async () => {
    const files = "/home/rancher/stays /var/lib/stays /opt/stays /usr/local/bin/stays";
    expect(await shell(`cat ${files}`)).toBe("x\nx\nx\nx");
  });

  test("makes /etc and /tmp anew at a restart", async () => {
    expect(await shell("sudo cat /etc/test.conf")).toBe("one\ntwo");
    expect(await shell("cat /etc/motd")).not.toContain("changed");
    expect((await ssh(node, "test -e /tmp/gone")).code).toBe(1);
  });

  test("keeps the journals of earlier boots", async () => {
    expect(await shell("sudo ls /var/lib/rancher/k3os/boot")).toBe("boot.log\nboot.log.1");
  });
}
