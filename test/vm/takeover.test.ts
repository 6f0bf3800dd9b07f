import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createBuildContext } from "../../lib/make/build/context.ts";
import { type FileServer, type Served, serveFiles } from "../../lib/make/vm/http-server.ts";
import {
  HOST_ADDRESS,
  type Machine,
  type MachineOptions,
  startMachine,
  VM_DIRECTORY,
} from "../../lib/make/vm/qemu.ts";
import {
  generateKey,
  type SshKey,
  type SshTarget,
  ssh,
  sshOutput,
  waitForSsh,
} from "../../lib/make/vm/ssh.ts";
import { reachNode, waitUntilApplied, within } from "../../lib/make/vm/virtual-node.ts";
import { GIB } from "../../lib/tools/fs/size.ts";
import { makeDebianDisk } from "../support/debian.ts";
import { output } from "../support/disk.ts";
import { ARTIFACTS } from "../support/image.ts";
import { describeLong } from "../support/left-out.ts";
import { makeUsedDisk } from "../support/used-disk.ts";

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
  rmSync(scratch, { recursive: true, force: true });
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
const INVENTORY = `(sync; cd / && find . -xdev \\( -path ./var -o -path ./tmp -o -path ./root \\) -prune \
    -o -printf '%p %y %m %u %g %l\\n' | sort;
  find boot etc usr/bin -xdev -type f -printf '%p %s %T@\\n' | sort;
  find boot etc -xdev -type f -exec sha256sum {} + | sort)`;

const PREPARED: [number, string] = [0, expect.stringContaining("takeover --undo")];

/** Runs the README's line on a machine; its exit status and what it said. */
async function install({ node }: Running, ...args: readonly string[]): Promise<[number, string]> {
  const { code, stderr } = await ssh(node, bootstrap(...args), { timeout: 6 * MINUTE });
  return [code, stderr];
}

describe("a Debian with a BIOS", () => {
  test(
    "becomes k3OS after the next start, which deletes the old system and powers off",
    async () => {
      const hardware = debianMachine("takeover-bios", "bios");
      {
        await using old = await start(hardware, "root");
        expect(await old.run("hostname; ls -d /usr/bin/apt")).toBe("old-system\n/usr/bin/apt");
        const options = ["--takeover", "--no-format", "--poweroff", "--copy-network", "/dev/vda1"];
        expect(await install(old, ...options)).toEqual(PREPARED);
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
    30 * MINUTE,
  );
});

describeLong("a Debian with a second disk", () => {
  let hardware: Omit<MachineOptions, "memory">;
  let second: string;

  beforeAll(() => {
    hardware = debianMachine("takeover-two", "bios");
    second = join(scratch, "second.img");
    makeUsedDisk(second, { table: "gpt", size: 4 * GIB });
  });

  // one start of the old system for all of it: each takes minutes, and so does each installation
  test(
    "installs over a used second disk, and takes a takeover back to the last byte",
    async () => {
      await using old = await start({ ...hardware, disks: [...(hardware.disks ?? []), second] }, "root");
      expect(await install(old, "--force", "/dev/vdb")).toEqual([
        0,
        expect.stringContaining("is installed on /dev/vdb"),
      ]);
      expect(await old.run("ls -A /var/tmp /tmp | grep -i k3os || true")).toBe("");

      await old.run(`${INVENTORY} >/run/before`);
      await old.run("e2label /dev/vdb1 NOT_OURS"); // two systems of k3OS in one machine are refused
      expect(await install(old, "--takeover", "/dev/vda1")).toEqual(PREPARED);
      expect(await old.run("head -n 1 /boot/grub/grub.cfg")).toContain("k3OS");
      await old.run("/k3os/system/k3os/current/k3os takeover --undo");
      expect(await old.run(`${INVENTORY} >/run/after; diff /run/before /run/after || true`)).toBe("");

      // the next one is damaged on its way to the disk
      expect(await install(old, "--takeover", "/dev/vda1")).toEqual(PREPARED);
      await old.run("echo x >> /k3os/system/k3os/current/k3os.squashfs; e2label /dev/vdb1 K3OS_STATE");
      await old.restart();
    },
    20 * MINUTE,
  );

  test(
    "boots the second disk, configured",
    async () => {
      await using node = await start({ name: "takeover-second", disks: [second] }, "rancher");
      await waitUntilApplied(node.node);
      expect(await node.run("hostname; cat /etc/taken")).toBe("taken-over\nover");
    },
    10 * MINUTE,
  );

  test(
    "returns to the old system, which is told why, when the new one is not whole",
    async () => {
      {
        await using machine = await startMachine({ ...hardware, name: "takeover-sabotaged", memory: 1024 });
        await machine.console.expect(/has changed: its sha256 is/, { timeout: 5 * MINUTE });
        await within(machine.exited, 2 * MINUTE, "The machine did not restart");
      }
      await using old = await start(hardware, "root");
      expect(await old.run("cat /etc/motd")).toMatch(
        /^Welcome to the old system\.\n\nk3OS did not take this machine over: Checking the new system: .*k3os.squashfs" has changed/,
      );
    },
    15 * MINUTE,
  );
});

describeLong("a Debian with UEFI", () => {
  test(
    "becomes k3OS, which starts by itself",
    async () => {
      const hardware = debianMachine("takeover-uefi", "uefi");
      {
        await using old = await start(hardware, "root");
        expect(await install(old, "--takeover", "/dev/vda1")).toEqual(PREPARED);
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
  // what the kernel mounts has its places here, too
  const names = ["boot", "dev", "k3os", "lost+found", "proc", "run", "sbin", "sys"];
  expect((await run(`${disk} && ls -A /tmp/state`)).split("\n")).toEqual(names);
  expect(await run("ls -A /tmp/state/boot; uname -r")).toMatch(/^config-(\S+)\ngrub\n\1$/);
  expect(await run("sudo blkid --probe --output value --match-tag LABEL /dev/vda1")).toBe("K3OS_STATE");
}
