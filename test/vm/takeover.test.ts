import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createBuildContext } from "../../lib/build/context.ts";
import { makeDebianDisk } from "../support/debian.ts";
import { output } from "../support/disk.ts";
import { type FileServer, type Served, serveFiles } from "../support/http-server.ts";
import { ARTIFACTS } from "../support/image.ts";
import { reachNode, waitUntilApplied, within } from "../support/node.ts";
import {
  HOST_ADDRESS,
  type Machine,
  type MachineOptions,
  startMachine,
  VM_DIRECTORY,
} from "../support/qemu.ts";
import { generateKey, type SshKey, type SshTarget, ssh, sshOutput, waitForSsh } from "../support/ssh.ts";

const MINUTE = 60_000;
const CONSOLE = "ttyS0,115200";

const RELEASE = [
  "install.sh",
  "k3os-amd64",
  "k3os-amd64.iso",
  "sha256sum-amd64.txt",
  "sha256sum-amd64.txt.minisig",
];

let scratch: string;
let key: SshKey;
let server: FileServer;

function newConfig(): string {
  return JSON.stringify({
    ssh_authorized_keys: [key.publicKey],
    hostname: "taken-over",
    write_files: [{ path: "/etc/taken", content: "over\n" }],
  });
}

beforeAll(async () => {
  mkdirSync(VM_DIRECTORY, { recursive: true });
  scratch = mkdtempSync(join(tmpdir(), "k3os-takeover-"));
  key = await generateKey(scratch);
  await makeDebianDisk(join(scratch, "debian.img"), key.publicKey, createBuildContext());
  const files = RELEASE.map((name): [string, Served] => [`/v1/${name}`, { file: join(ARTIFACTS, name) }]);
  server = await serveFiles({ ...Object.fromEntries(files), "/config.yaml": newConfig() });
}, 10 * MINUTE);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true });
});

/** The line that a user types, with what is special to this place. */
function bootstrap(...args: readonly string[]): string {
  const base = `http://${HOST_ADDRESS}:${server.port}`;
  const publicKey = readFileSync(join(ARTIFACTS, "k3os.pub"), "utf8").split("\n")[1];
  const options = [`--key=${publicKey}`, `--config=${base}/config.yaml`, `--tty=${CONSOLE}`, ...args];
  return `curl -sfL ${base}/v1/install.sh | bash -s -- ${options.join(" ")} ${base}/v1/k3os-amd64.iso`;
}

/** A copy of the machine with Debian, at its own place. */
function debianMachine(name: string, firmware: "bios" | "uefi"): Omit<MachineOptions, "memory"> {
  const disk = join(scratch, `${name}.img`);
  output(["cp", "--sparse=always", join(scratch, "debian.img"), disk]);
  return { name, firmware, efiVariables: join(scratch, `${name}.fd`), disks: [disk] };
}

interface Running extends AsyncDisposable {
  readonly machine: Machine;
  readonly node: SshTarget;
  run(command: string): Promise<string>;
  /** Restarts the guest, which ends this virtual machine. */
  restart(): Promise<void>;
}

/** Starts a machine from its disk and waits until its system, old or new, lets us in. */
async function start(options: Omit<MachineOptions, "memory">, user: "root" | "rancher"): Promise<Running> {
  const machine = await startMachine({ ...options, memory: 1024, ssh: true });
  try {
    const node = user === "rancher" ? await reachNode(machine, key) : { port: machine.sshPort, key, user };
    await waitForSsh(node, { timeout: 6 * MINUTE, gone: machine.exited });
    return {
      machine,
      node,
      run: (command) => sshOutput(node, command),
      restart: async () => {
        await ssh(node, "systemctl reboot");
        await within(machine.exited, 2 * MINUTE, "The machine did not restart");
      },
      [Symbol.asyncDispose]: machine.kill,
    };
  } catch (error) {
    await machine.kill();
    throw error;
  }
}

/** Every file of the old system, by type, mode, owner, link and content; but /var, where services write all the time. */
const FINGERPRINT = `sync; cd / && find . -xdev \\( -path ./var -o -path ./tmp -o -path ./root \\) -prune \
    -o -printf '%p %y %m %u %g %l\\n' | sort | sha256sum;
  find boot etc usr/bin -xdev -type f -printf '%p %s %T@\\n' | sort | sha256sum;
  find boot etc -xdev -type f -exec sha256sum {} + | sort | sha256sum`;

describe("a Debian with a BIOS", () => {
  let hardware: Omit<MachineOptions, "memory">;

  beforeAll(() => {
    hardware = debianMachine("takeover-bios", "bios");
  });

  test(
    "installs k3OS to a second disk by the line of the README, which then boots",
    async () => {
      const disk = join(scratch, "second.img");
      await Bun.write(disk, "");
      await Bun.$`truncate --size=4G ${disk}`.quiet();
      {
        await using old = await start({ ...hardware, disks: [...(hardware.disks ?? []), disk] }, "root");
        const dry = await ssh(old.node, bootstrap("--dry-run", "/dev/vdb"), { timeout: 4 * MINUTE });
        expect([dry.code, dry.stderr]).toEqual([0, expect.any(String)]);
        expect(dry.stdout).toContain("Erase everything on /dev/vdb, which is empty\n");
        const refused = await ssh(old.node, bootstrap("/dev/vda"), { timeout: 4 * MINUTE });
        expect([refused.code, refused.stderr]).toEqual([1, expect.any(String)]);
        expect(refused.stderr).toContain("to replace it: --takeover /dev/vda1");
        const done = await ssh(old.node, bootstrap("/dev/vdb"), { timeout: 6 * MINUTE });
        expect([done.code, done.stderr]).toEqual([0, expect.stringContaining("is installed on /dev/vdb")]);
        expect(await old.run("ls -A /var/tmp /tmp | grep -i k3os || true")).toBe("");
      }
      await using node = await start({ name: "takeover-second", disks: [disk] }, "rancher");
      await waitUntilApplied(node.node);
      expect(await node.run("hostname; cat /etc/taken")).toBe("taken-over\nover");
    },
    20 * MINUTE,
  );

  test(
    "takes a takeover back, byte for byte, and boots as before",
    async () => {
      {
        await using old = await start(hardware, "root");
        const before = await old.run(FINGERPRINT);
        const done = await ssh(old.node, bootstrap("--takeover", "/dev/vda1"), { timeout: 6 * MINUTE });
        expect([done.code, done.stderr]).toEqual([0, expect.stringContaining("takeover --undo")]);
        expect(await old.run("head -n 1 /boot/grub/grub.cfg")).toContain("k3OS");
        await old.run("/k3os/system/k3os/current/k3os takeover --undo");
        expect(await old.run(FINGERPRINT)).toBe(before);
        // the next one is damaged on its way to the disk
        await ssh(old.node, bootstrap("--takeover", "/dev/vda1"), { timeout: 6 * MINUTE });
        await old.run("echo x >> /k3os/system/k3os/current/k3os.squashfs");
        await old.restart();
      }
      await tryAndReturn("takeover-sabotaged", /has changed: its sha256 is/);
      await using again = await start(hardware, "root");
      expect(await again.run("hostname; ls -d /usr/bin/apt")).toBe("old-system\n/usr/bin/apt");
      expect(await again.run("cat /etc/motd")).toMatch(
        /^Welcome to the old system\.\n\nk3OS did not take this machine over: Checking the new system: .*k3os.squashfs" has changed/,
      );
    },
    30 * MINUTE,
  );

  /** The new system starts, says why it cannot be, and the machine restarts. */
  async function tryAndReturn(name: string, reason: RegExp): Promise<void> {
    await using machine = await startMachine({ ...hardware, name, memory: 1024 });
    await machine.console.expect(reason, { timeout: 5 * MINUTE });
    await within(machine.exited, MINUTE, "The machine did not restart");
  }

  test(
    "becomes k3OS after the next start, which deletes the old system and powers off",
    async () => {
      {
        await using old = await start(hardware, "root");
        const options = bootstrap("--takeover", "--no-format", "--poweroff", "--copy-network", "/dev/vda1");
        const done = await ssh(old.node, options, { timeout: 6 * MINUTE });
        expect([done.code, done.stderr]).toEqual([0, expect.stringContaining("takeover --undo")]);
        await old.restart();
      }
      await becomeK3os(hardware, "Powering off");
      await using node = await start(hardware, "rancher");
      await waitUntilApplied(node.node);
      expect(await node.run("hostname; cat /etc/taken; cat /run/k3os/mode")).toBe("taken-over\nover\nlocal");
      expect(await node.run("connmanctl services | awk '{print $NF}' | xargs connmanctl services")).toMatch(
        /IPv4 = \[ Method=fixed, Address=10\.0\.2\.15, Netmask=255\.255\.255\.0, Gateway=10\.0\.2\.2 \]/,
      );
      await expectOnlyK3os(node);
    },
    20 * MINUTE,
  );
});

describe("a Debian with UEFI", () => {
  test(
    "becomes k3OS; a kernel that panics leads back to the old system first",
    async () => {
      const hardware = debianMachine("takeover-uefi", "uefi");
      {
        await using old = await start(hardware, "root");
        const done = await ssh(old.node, bootstrap("--takeover", "/dev/vda1"), { timeout: 6 * MINUTE });
        expect([done.code, done.stderr]).toEqual([0, expect.stringContaining("takeover --undo")]);
        await old.run("truncate --size=4M /k3os/system/kernel/current/initrd");
        await old.restart();
      }
      {
        await using machine = await startMachine({ ...hardware, name: "takeover-panic", memory: 1024 });
        await machine.console.expect(/Kernel panic/, { timeout: 5 * MINUTE });
        await within(machine.exited, MINUTE, "The machine did not restart");
      }
      {
        await using old = await start(hardware, "root");
        expect(await old.run("hostname")).toBe("old-system");
        const done = await ssh(old.node, bootstrap("--takeover", "/dev/vda1"), { timeout: 6 * MINUTE });
        expect(done.code).toBe(0);
        await old.restart();
      }
      await becomeK3os(hardware, "Restarting into k3OS");
      await using node = await start(hardware, "rancher");
      await waitUntilApplied(node.node);
      expect(await node.run("hostname; cat /etc/taken")).toBe("taken-over\nover");
      await expectOnlyK3os(node);
    },
    30 * MINUTE,
  );
});

async function becomeK3os(hardware: Omit<MachineOptions, "memory">, end: string): Promise<void> {
  await using machine = await startMachine({ ...hardware, name: `${hardware.name}-first`, memory: 1024 });
  const pattern = new RegExp(`${end}|not taken over`);
  const [found] = await machine.console.expect(pattern, { timeout: 6 * MINUTE });
  expect(found).toBe(end);
  await within(machine.exited, 2 * MINUTE, "The machine did not go down");
}

/** The old system is gone from the file system that is now k3OS's. */
async function expectOnlyK3os({ run }: Running): Promise<void> {
  const disk = "mkdir -p /tmp/state && sudo mount /dev/vda1 /tmp/state";
  expect(await run(`${disk} && ls -A /tmp/state /tmp/state/boot`)).toBe(
    "/tmp/state:\nboot\nk3os\nlost+found\nsbin\n\n/tmp/state/boot:\nefi\ngrub",
  );
  expect(await run("sudo blkid --probe --output value --match-tag LABEL /dev/vda1")).toBe("K3OS_STATE");
}
