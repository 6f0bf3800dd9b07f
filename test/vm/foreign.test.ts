import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createBuildContext } from "../../lib/build/context.ts";
import { makeDebianDisk } from "../support/debian.ts";
import { serveFiles } from "../support/http-server.ts";
import { ARTIFACTS } from "../support/image.ts";
import { reachNode, waitUntilApplied, within } from "../support/node.ts";
import { HOST_ADDRESS, type Machine, startMachine, VM_DIRECTORY } from "../support/qemu.ts";
import { generateKey, type SshKey, type SshTarget, ssh, sshOutput, waitForSsh } from "../support/ssh.ts";

/** A machine whose own boot loader and kernel start our /sbin/init: no menu of ours counts anything there. */
const MINUTE = 60_000;
const DATABASE = "/var/lib/rancher/k3s/server/db/state.db";
const TARBALL = "k3os-rootfs-amd64.tar.gz";

let scratch: string;
let key: SshKey;

beforeAll(async () => {
  mkdirSync(VM_DIRECTORY, { recursive: true });
  scratch = mkdtempSync(join(tmpdir(), "k3os-foreign-"));
  key = await generateKey(scratch);
  await makeDebianDisk(join(scratch, "disk.img"), key.publicKey, createBuildContext());
}, 10 * MINUTE);

afterAll(() => rmSync(scratch, { recursive: true }));

const start = (boot: string): Promise<Machine> =>
  startMachine({ name: `foreign-${boot}`, memory: 1024, disks: [join(scratch, "disk.img")], ssh: true });

async function restart(machine: Machine, target: SshTarget, command: string): Promise<void> {
  await ssh(target, command);
  await within(machine.exited, 3 * MINUTE, "The machine did not restart");
}

/** Another version of k3OS and of k3s, and a check of the user's that finds fault with it after it has written. */
const UPGRADE = `set -e
source=/var/lib/new/k3os/system
mkdir -p $source/k3os $source/k3s/v2
cp -a /k3os/system/k3os/current/ $source/k3os/v99.0.0
cp /k3os/system/k3s/current/k3s $source/k3s/v2/k3s
ln -s v99.0.0 $source/k3os/current
ln -s v2 $source/k3s/current
mkdir -p $(dirname ${DATABASE}) /var/lib/rancher/k3os/health.d
echo "data of the old version" >${DATABASE}
printf '#!/bin/sh\\n[ $(readlink /k3os/system/k3s/current) = v1 ] && exit\\necho new >>${DATABASE}\\nexit 1\\n' >/var/lib/rancher/k3os/health.d/check
chmod +x /var/lib/rancher/k3os/health.d/check
echo K3OS_HEALTH_DEADLINE=5 >/var/lib/rancher/k3os/health.conf
k3os upgrade --rootfs --kernel --remount --sync --source $source --destination /k3os/system`;

test(
  "a node started by a foreign boot loader falls back too, with its datastore",
  async () => {
    const config = JSON.stringify({ ssh_authorized_keys: [key.publicKey], hostname: "foreign" });
    await using server = await serveFiles({
      [`/${TARBALL}`]: { file: join(ARTIFACTS, TARBALL) },
      "/config.yaml": config,
    });
    {
      await using debian = await start("debian");
      const target = { port: debian.sshPort, key, user: "root" };
      await waitForSsh(target, { timeout: 6 * MINUTE, gone: debian.exited });
      const base = `http://${HOST_ADDRESS}:${server.port}`;
      const unpack = `curl -sfL ${base}/${TARBALL} | tar zxf - --strip-components=1 -C /`;
      expect((await ssh(target, unpack, { timeout: 8 * MINUTE })).code).toBe(0);
      await sshOutput(target, `curl -sfL ${base}/config.yaml >/k3os/system/config.yaml`);
      // the kernel stays the machine's own; k3s is a program that only has its name
      await sshOutput(target, "rm -r /k3os/system/kernel; mkdir -p /k3os/system/k3s/v1");
      const k3s =
        "printf '#!/bin/sh\\nexec sleep infinity\\n' >/k3os/system/k3s/v1/k3s; chmod +x /k3os/system/k3s/v1/k3s";
      await sshOutput(target, `${k3s}; ln -sfn v1 /k3os/system/k3s/current`);
      await restart(debian, target, "sync; reboot -f");
    }
    let version = "";
    {
      await using node = await start("old");
      const target = await reachNode(node, key);
      await waitUntilApplied(target);
      expect(await sshOutput(target, "hostname; cat /run/k3os/mode")).toBe("foreign\nlocal");
      version = await sshOutput(target, "readlink /k3os/system/k3os/current");
      const upgraded = await ssh(target, `sudo sh -c '${UPGRADE.replaceAll("'", "'\\''")}'`);
      expect([upgraded.code, upgraded.stderr]).toEqual([0, expect.stringContaining("brings no kernel")]);
      await restart(node, target, "sudo systemctl reboot");
    }
    {
      await using node = await start("new");
      await node.console.expect(/Not healthy: .*Restarting with the versions before/, {
        timeout: 6 * MINUTE,
      });
      await within(node.exited, 3 * MINUTE, "The machine did not restart");
    }
    await using node = await start("back");
    const target = await reachNode(node, key);
    await waitUntilApplied(target);
    const status = JSON.parse(await sshOutput(target, "k3os status --json"));
    expect(status.current).toEqual({ k3os: version, k3s: "v1" });
    expect(status.failed.at(-1)).toMatchObject({
      versions: { k3os: "v99.0.0", k3s: "v2" },
      reason: expect.stringContaining("health.d: check ended with status 1"),
    });
    expect(await sshOutput(target, `sudo cat ${DATABASE}`)).toBe("data of the old version");
    const kept = "sudo cat /var/lib/rancher/k3os/datastore/replaced-v2/state.db";
    expect(await sshOutput(target, kept)).toContain("new");
  },
  30 * MINUTE,
);
