import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Machine, startMachine } from "../../lib/make/vm/qemu.ts";
import { generateKey, type SshKey, type SshTarget, ssh, sshOutput } from "../../lib/make/vm/ssh.ts";
import {
  bootDisk,
  type Hardware,
  reachNode,
  waitUntilApplied,
  within,
} from "../../lib/make/vm/virtual-node.ts";
import { FIRST_PARTITION } from "../../lib/tools/disk/partitions.ts";
import { output } from "../support/disk.ts";
import { makeInstalledDisk } from "../support/installed-disk.ts";
import { describeLong, testOf } from "../support/left-out.ts";

const MINUTE = 60_000;

let scratch: string;
let key: SshKey;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "k3os-upgrade-"));
  key = await generateKey(scratch);
  const config = JSON.stringify({ ssh_authorized_keys: [key.publicKey], hostname: "upgraded" });
  await makeInstalledDisk(join(scratch, "installed.img"), { config });
}, 5 * MINUTE);

afterAll(() => rmSync(scratch, { recursive: true }));

/** A machine of its own with a newly installed disk. */
function newMachine(name: string): Hardware {
  const disk = join(scratch, `${name}.img`);
  output(["cp", "--sparse=always", join(scratch, "installed.img"), disk]);
  return { name, firmware: "bios", disk, efiVariables: join(scratch, `${name}.fd`) };
}

interface Node extends AsyncDisposable {
  readonly machine: Machine;
  readonly target: SshTarget;
  run(command: string): Promise<string>;
  restart(): Promise<void>;
}

async function startNode(
  hardware: Hardware,
  boot: string,
  { others = [], entry = 0 }: { readonly others?: readonly string[]; readonly entry?: number } = {},
): Promise<Node> {
  const machine = await bootDisk(hardware, { boot, others, entry });
  const target = await reachNode(machine, key);
  await waitUntilApplied(target);
  return {
    machine,
    target,
    run: (command) => sshOutput(target, command),
    restart: async () => {
      await ssh(target, "sudo systemctl reboot");
      await within(machine.exited, 3 * MINUTE, "The machine did not restart");
    },
    [Symbol.asyncDispose]: machine.kill,
  };
}

/** Lets the machine start its disk by itself, and waits until it restarts by itself. */
async function startAndFail(hardware: Hardware, boot: string, sign: RegExp): Promise<void> {
  const disks = [hardware.disk];
  await using machine = await startMachine({ name: `${hardware.name}-${boot}`, memory: 1024, disks });
  await machine.console.expect(sign, { timeout: 8 * MINUTE });
  await within(machine.exited, 3 * MINUTE, "The machine did not restart");
}

/** Makes a new version of a component from the current one, in a source as the controller's image holds it. */
const MAKE = `set -e
source=/var/lib/new/k3os/system
make() { # COMPONENT VERSION
  mkdir -p $source/$1
  cp -a /k3os/system/$1/current/ $source/$1/$2
  ln -sfn $2 $source/$1/current
}
`;

const upgrade = (parts: string) =>
  `sudo k3os upgrade ${parts} --remount --sync --source /var/lib/new/k3os/system --destination /k3os/system; sudo rm -rf /var/lib/new`;

/** Leaves no block free, not even of root's reserve. */
const FILL = `sudo sh -c 'for size in 1M 4k; do dd if=/dev/zero bs=$size of=/var/lib/filler oflag=append conv=notrunc 2>/dev/null; sync; done; true'`;

/** Makes a check of the user's own, which is done again and again. */
const ownCheck = (script: string) =>
  `sudo mkdir -p /var/lib/rancher/k3os/health.d && printf '#!/bin/sh\n${script}\n' | sudo tee /var/lib/rancher/k3os/health.d/own && sudo chmod +x /var/lib/rancher/k3os/health.d/own`;

const VERSIONS =
  "for part in k3os kernel; do readlink /k3os/system/$part/current /k3os/system/$part/previous; done";

describeLong("an upgrade of all parts", () => {
  test(
    "is tried, found healthy, kept, and taken back by command",
    async () => {
      const hardware = newMachine("upgrade-good");
      let [k3os, kernel] = ["", ""];
      {
        await using node = await startNode(hardware, "old");
        [k3os = "", kernel = ""] = (
          await node.run("cd /k3os/system; readlink k3os/current kernel/current")
        ).split("\n");
        await node.run(`sudo sh -c '${MAKE} make k3os v99.0.0; make kernel 99-new'`);
        // the clock jumps with every look, and the first few find the machine unhealthy
        await node.run(
          ownCheck("date --set=4hours >/run/clock; echo >>/run/looks; [ $(wc -l </run/looks) -gt 4 ]"),
        );
        await node.run(upgrade("--rootfs --kernel"));
        expect(await node.run(VERSIONS)).toBe(`v99.0.0\n${k3os}\n99-new\n${kernel}`);
        expect(JSON.parse(await node.run("k3os status --json")).trial).toMatchObject({ state: "trial" });
        await node.restart();
      }
      {
        await using node = await startNode(hardware, "new");
        expect(await node.run("cat /proc/cmdline")).toContain(" k3os.boot=trial");
        await node.run("timeout 100 sh -c 'while [ -e /k3os/system/trial.json ]; do sleep 1; done'");
        expect(await node.run(VERSIONS)).toBe(`v99.0.0\n${k3os}\n99-new\n${kernel}`);
        expect(await node.run("sudo strings /boot/grub/grubenv | grep trial || echo none")).toBe("none");
        expect(await node.run("sudo k3os rollback")).toBe(
          `k3os v99.0.0 → ${k3os}\nkernel 99-new → ${kernel}`,
        );
        await node.restart();
      }
      {
        await using node = await startNode(hardware, "back");
        expect(await node.run(VERSIONS)).toBe(`${k3os}\nv99.0.0\n${kernel}\n99-new`);
        expect(JSON.parse(await node.run("k3os status --json"))).toMatchObject({ failed: [] });
        await node.run(
          "sudo mount -o remount,bind,rw /k3os/system && head -c 99 /dev/zero | sudo tee /k3os/system/trial.json /k3os/system/quarantine.json >/dev/null",
        );
        expect(JSON.parse(await node.run("k3os status --json")).damaged).toHaveLength(2);
        await node.restart();
      }
      await using node = await startNode(hardware, "previous", { entry: 1 });
      expect(await node.run(VERSIONS)).toBe(`v99.0.0\n${k3os}\n99-new\n${kernel}`);
      expect(JSON.parse(await node.run("k3os status --json"))).toMatchObject({ failed: [], damaged: [] });
      expect(await node.run("ls /k3os/system")).toContain("trial.json.damaged");
    },
    25 * MINUTE,
  );
});

describeLong("an upgrade with which the configuration achieves less", () => {
  test(
    "is taken back for a command that succeeded before, and not for one that did not",
    async () => {
      const hardware = newMachine("upgrade-lost");
      let k3os = "";
      {
        await using node = await startNode(hardware, "old");
        k3os = await node.run("readlink /k3os/system/k3os/current");
        await node.run("echo K3OS_HEALTH_DEADLINE=240 | sudo tee /var/lib/rancher/k3os/health.conf");
        const test = "[ $(readlink /k3os/system/k3os/current) = ".replace("$", "\\$");
        const file = "/var/lib/rancher/k3os/config.d/command.yaml";
        await node.run(`echo "run_cmd: ['${test}${k3os} ]', 'false']" | sudo tee ${file}`);
        for (const time of [1, 2]) {
          const { code } = await ssh(node.target, "sudo k3os config");
          expect([time, code]).toEqual([time, 1]);
        }
        await node.run(`sudo sh -c '${MAKE} make k3os v99.0.3'`);
        await node.run(upgrade("--rootfs"));
        await node.restart();
      }
      await startAndFail(hardware, "new", /Not healthy: .*Rebooting into the previous versions/);
      await using node = await startNode(hardware, "back");
      const status = JSON.parse(await node.run("sudo k3os status --json"));
      expect(status.current).toMatchObject({ k3os });
      expect(status.failed).toMatchObject([{ versions: { k3os: "v99.0.3" } }]);
      expect(status.failed[0].reason).toMatch(
        /^configuration: achieved before, and not now: run_cmd\[0\]: [^;]*$/,
      );
      expect(status.notApplied).toHaveLength(1);
    },
    25 * MINUTE,
  );
});

describeLong("a machine whose boot menu does not name its disk", () => {
  const MENU = "boot/grub/grub.cfg";

  /** Makes an installation another one, as far as a boot loader can tell. */
  function changeUuid(disk: string): void {
    const device = output(["losetup", "--find", "--show", "--offset", `${FIRST_PARTITION}`, disk]);
    try {
      output(["e2fsck", "-f", "-p", device]); // which tune2fs asks for
      output(["tune2fs", "-U", "random", device]);
    } finally {
      output(["losetup", "--detach", device]);
    }
  }

  /** Changes the boot menu of a machine that is off. */
  async function editMenu({ disk }: Hardware, edit: (menu: string) => string): Promise<void> {
    const root = mkdtempSync(join(scratch, "root-"));
    output(["mount", "--options", `loop,offset=${FIRST_PARTITION}`, disk, root]);
    try {
      writeFileSync(join(root, MENU), edit(readFileSync(join(root, MENU), "utf8")));
    } finally {
      output(["umount", root]);
    }
  }

  test(
    "does not start beside another installation, until an upgrade has made the menu name it",
    async () => {
      const hardware = newMachine("upgrade-menu");
      const other = newMachine("upgrade-other").disk;
      changeUuid(other);
      await editMenu(hardware, (menu) => menu.replaceAll(" k3os.state=$state", ""));
      {
        await using machine = await bootDisk(hardware, { boot: "both", others: [other] });
        const both = /2 file systems are labelled K3OS_STATE, .*: \/dev\/vda1 \(.*\), \/dev\/vdb1 \(/;
        await machine.console.expect(both, { timeout: 5 * MINUTE });
        await machine.console.expect(/rescue shell|root shell/, { timeout: 2 * MINUTE });
      }
      {
        await using node = await startNode(hardware, "alone");
        await node.run(`sudo sh -c '${MAKE} make k3os v99.0.0'`);
        await node.run(upgrade("--rootfs"));
        await node.restart();
      }
      await using node = await startNode(hardware, "upgraded", { others: [other] });
      expect(await node.run("readlink /k3os/system/k3os/current")).toBe("v99.0.0");
      expect(await node.run("findmnt -n -o SOURCE / | grep -o '^/dev/[a-z0-9]*'")).toBe("/dev/vda1");
      const uuid = await node.run("findmnt -n -o UUID /");
      expect(await node.run("cat /proc/cmdline")).toContain(` k3os.state=${uuid} `);
      await node.run("timeout 100 sh -c 'while [ -e /k3os/system/trial.json ]; do sleep 1; done'");
      expect(JSON.parse(await node.run("k3os status --json"))).toMatchObject({ failed: [] });
    },
    25 * MINUTE,
  );

  test(
    "is told by GRUB which one it took where that has got another UUID",
    async () => {
      const hardware = newMachine("upgrade-uuid");
      const uuid = "1b2c0000-0000-4000-8000-000000000001";
      await editMenu(hardware, (menu) =>
        menu.replaceAll(/(--fs-uuid|state=)( ?)[0-9a-f]{8}-[-0-9a-f]{27}/g, `$1$2${uuid}`),
      );
      await using node = await startNode(hardware, "other-uuid");
      expect(await node.run("cat /proc/cmdline")).toContain(
        ` k3os.state=${await node.run("findmnt -n -o UUID /")} `,
      );
    },
    10 * MINUTE,
  );
});

describe("an upgrade that is bad leads back to the old version by itself:", () => {
  const hardware = { current: undefined as Hardware | undefined };
  const old = { k3os: "", kernel: "" };

  beforeAll(async () => {
    hardware.current = newMachine("upgrade-bad");
    await using node = await startNode(hardware.current, "old");
    const names = await node.run("cd /k3os/system; readlink k3os/current kernel/current");
    [old.k3os = "", old.kernel = ""] = names.split("\n");
    await node.run(
      `sudo sh -c '${MAKE} make k3os v99.0.1; truncate --size=1M $source/k3os/v99.0.1/k3os.squashfs'`,
    );
    await node.run(upgrade("--rootfs"));
    await node.restart();
  }, 10 * MINUTE);

  function machine(): Hardware {
    if (hardware.current === undefined) throw new Error("The machine was not made");
    return hardware.current;
  }

  /** The old versions run again, and what failed is noted. */
  async function expectBack(node: Node, failed: object, reason: string): Promise<void> {
    const status = JSON.parse(await node.run("k3os status --json"));
    expect(status.current).toMatchObject(old);
    expect(status.trial).toBeUndefined();
    const last = status.failed.at(-1);
    expect(last.versions).toEqual(failed);
    expect(last.reason).toContain(reason);
  }

  test(
    "a userland that cannot be mounted, and a kernel that panics",
    async () => {
      for (const boot of ["userland-1", "userland-2"])
        await startAndFail(machine(), boot, /These versions are on trial/);
      {
        await using node = await startNode(machine(), "after-userland");
        await expectBack(node, { k3os: "v99.0.1" }, "never found healthy");
        expect(await node.run("ls /var/lib/rancher/k3os/failed")).toContain("v99.0.1.boot.log");
        await node.run(
          `sudo sh -c '${MAKE} make kernel 99-panic; truncate --size=4M $source/kernel/99-panic/initrd'`,
        );
        await node.run(upgrade("--kernel"));
        await node.run(FILL);
        await node.restart();
      }
      for (const boot of ["panic-1", "panic-2"]) await startAndFail(machine(), boot, /Kernel panic/);
      await using node = await startNode(machine(), "after-panic");
      // the disk is full: that it failed may be noted nowhere
      const status = JSON.parse(await node.run("k3os status --json"));
      expect([status.current, status.trial]).toEqual([expect.objectContaining(old), undefined]);
      expect(await node.run("cat /proc/cmdline")).toContain(" k3os.boot=fallback");
      expect(await node.run("df --output=avail /var/lib | tail -1")).toMatch(/^\s*0$/);
      expect(await node.run("sudo strings /boot/grub/grubenv | grep trial || echo none")).toBe("none");
      await node.run("sudo rm /var/lib/filler");
      // the clock goes back with every look at the new version
      const isOld = `[ $(readlink /k3os/system/k3os/current) = ${old.k3os} ]`;
      await node.run(ownCheck(`${isOld} || ! date --set=-4hours >/run/clock`));
      await node.run("echo K3OS_HEALTH_DEADLINE=5 | sudo tee /var/lib/rancher/k3os/health.conf");
      await node.run(`sudo sh -c '${MAKE} make k3os v99.0.2'`);
      await node.run(upgrade("--rootfs"));
      await node.restart();
    },
    40 * MINUTE,
  );

  testOf("long")(
    "a machine that does not become healthy; and it is not tried again",
    async () => {
      await startAndFail(machine(), "unhealthy", /Not healthy: .*Rebooting into the previous versions/);
      await using node = await startNode(machine(), "after-unhealthy");
      await expectBack(node, { k3os: "v99.0.2" }, "health.d: own ended with status 1");
      expect(await node.run("ls /var/lib/rancher/k3os/failed")).toContain("v99.0.2.journal.log");
      await node.run(`sudo sh -c '${MAKE} make k3os v99.0.2'`);
      const again = await ssh(node.target, upgrade("--rootfs"));
      expect(again.stderr).toContain("k3os v99.0.2 failed here on ");
    },
    20 * MINUTE,
  );
});
