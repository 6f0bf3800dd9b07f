import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createBuildContext } from "../../lib/make/build/context.ts";
import { serveFiles } from "../../lib/make/vm/http-server.ts";
import { HOST_ADDRESS, type Machine, startMachine, VM_DIRECTORY } from "../../lib/make/vm/qemu.ts";
import { generateKey, type SshKey, ssh, sshOutput, waitForSsh } from "../../lib/make/vm/ssh.ts";
import {
  FAILED_UNITS,
  reachNode,
  restart,
  waitUntilApplied,
  within,
} from "../../lib/make/vm/virtual-node.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { makeSingleBoard, type SingleBoard } from "../support/board.ts";
import { ARTIFACTS } from "../support/image.ts";
import { k3sProgram } from "../support/k3s-program.ts";
import { testOf } from "../support/left-out.ts";

/** A board with a Debian of its own, over which the tarball is unpacked. */
const MINUTE = 60_000;
const DATABASE = "/var/lib/rancher/k3s/server/db/state.db";
const TARBALL = "k3os-rootfs-arm64.tar.gz";
const squashfs = (release: string) => `/usr/lib/modules/${release}/kernel/fs/squashfs/squashfs.ko.xz`;

let scratch: string;
let key: SshKey;
let board: SingleBoard;

beforeAll(async () => {
  mkdirSync(VM_DIRECTORY, { recursive: true });
  scratch = mkdtempSync(join(tmpdir(), "k3os-overlay-arm64-"));
  key = await generateKey(scratch);
  const prepare = async (root: string, release: string) => {
    await runProgram(["tar", "-xzf", join(ARTIFACTS, TARBALL), "--strip-components=1", "-C", root]);
    await runProgram(["mv", join(root, squashfs(release)), join(root, "root")]);
  };
  const options = { arch: "arm64", publicKey: key.publicKey, prepare } as const;
  board = await makeSingleBoard(join(scratch, "card.img"), options, createBuildContext());
}, 15 * MINUTE);

afterAll(() => rmSync(scratch, { recursive: true }));

const start = (boot: string): Promise<Machine> =>
  startMachine({ ...board, name: `overlay-arm64-${boot}`, memory: 1024, ssh: true });

/** A k3s that only prints its version: an upgrade takes no other program for one. */
const NEW_K3S = "v1.36.3+k3s1";
const PROGRAM = k3sProgram(NEW_K3S, { arch: "arm64" }).toString("base64");

/** Another version of k3OS and of k3s, and a check of the user's that finds fault with it after it has written. */
const UPGRADE = `set -e
source=/var/lib/new/k3os/system
mkdir -p $source/k3os $source/k3s/${NEW_K3S}
cp -a /k3os/system/k3os/current/ $source/k3os/v99.0.0
echo ${PROGRAM} | base64 -d >$source/k3s/${NEW_K3S}/k3s
chmod +x $source/k3s/${NEW_K3S}/k3s
ln -s v99.0.0 $source/k3os/current
ln -s ${NEW_K3S} $source/k3s/current
mkdir -p $(dirname ${DATABASE}) /var/lib/rancher/k3os/health.d
echo "data of the old version" >${DATABASE}
printf '#!/bin/sh\\n[ $(readlink /k3os/system/k3s/current) = v1 ] && exit\\necho new >>${DATABASE}\\nexit 1\\n' >/var/lib/rancher/k3os/health.d/check
chmod +x /var/lib/rancher/k3os/health.d/check
echo K3OS_HEALTH_DEADLINE=5 >/var/lib/rancher/k3os/health.conf
k3os upgrade --rootfs --kernel --remount --sync --source $source --destination /k3os/system`;

/** k3s is a program that only has its name. */
const K3S = `mkdir -p /k3os/system/k3s/v1
printf '#!/bin/sh\\nexec sleep infinity\\n' >/k3os/system/k3s/v1/k3s
chmod +x /k3os/system/k3s/v1/k3s
ln -sfn v1 /k3os/system/k3s/current`;

test(
  "a kernel that cannot read squashfs starts the board's own system, and says why",
  async () => {
    const config = JSON.stringify({ ssh_authorized_keys: [key.publicKey], hostname: "pi" });
    await using server = await serveFiles({
      [`/${TARBALL}`]: { file: join(ARTIFACTS, TARBALL) },
      "/config.yaml": config,
    });
    const base = `http://${HOST_ADDRESS}:${server.port}`;
    await using machine = await start("without-squashfs");
    await machine.console.expect(/This kernel cannot read squashfs/, { timeout: 4 * MINUTE });
    await machine.console.expect(/the system that was here before \(\/usr\/lib\/systemd\/systemd\)/, {
      timeout: MINUTE,
    });
    const debian = { port: machine.sshPort, key, user: "root" };
    await waitForSsh(debian, { timeout: 8 * MINUTE, gone: machine.exited });
    expect(await sshOutput(debian, "cat /etc/hostname; dmesg | grep -c 'cannot read squashfs'")).toBe(
      "board\n1",
    );

    // the README's three commands, as they stand there
    await sshOutput(debian, `rm -r /k3os; curl -sfL ${base}/config.yaml >myconfig.yaml`);
    const unpack = `curl -sfL ${base}/${TARBALL} | tar zxvf - --strip-components=1 -C /`;
    expect((await ssh(debian, unpack, { timeout: 8 * MINUTE })).code).toBe(0);
    await sshOutput(debian, "cp myconfig.yaml /k3os/system/config.yaml");
    await sshOutput(debian, `${K3S}; mv /root/squashfs.ko.xz ${squashfs(board.release)}`);
    await restart(machine, debian, "sync; reboot -f");
  },
  20 * MINUTE,
);

let version = "";

test(
  "a board becomes a node by the README's three commands, with its own kernel and modules",
  async () => {
    await using machine = await start("old");
    const node = await reachNode(machine, key);
    await waitUntilApplied(node);
    expect(await sshOutput(node, "hostname; cat /run/k3os/mode; uname -rm")).toBe(
      `pi\nlocal\n${board.release} aarch64`,
    );
    expect(await sshOutput(node, "modinfo --field filename squashfs")).toContain(board.release);
    expect(await sshOutput(node, FAILED_UNITS)).toBe("");
    version = await sshOutput(node, "readlink /k3os/system/k3os/current");
    const kernel = await ssh(node, "sudo k3os-upgrade-kernel");
    expect([kernel.code, kernel.stderr]).toEqual([0, expect.stringContaining("using a custom kernel")]);
    const upgraded = await ssh(node, `sudo sh -c '${UPGRADE.replaceAll("'", "'\\''")}'`, {
      timeout: 5 * MINUTE,
    });
    expect([upgraded.code, upgraded.stderr]).toEqual([0, expect.stringContaining("a kernel of its own")]);
    await restart(machine, node, "sudo systemctl reboot");
  },
  15 * MINUTE,
);

testOf("long")(
  "it falls back from versions that are not healthy, with its datastore, though no menu of ours counts anything",
  async () => {
    {
      await using machine = await start("new");
      await machine.console.expect(/Not healthy: .*Rebooting into the previous versions/, {
        timeout: 8 * MINUTE,
      });
      await within(machine.exited, 3 * MINUTE, "The machine did not restart");
    }
    await using machine = await start("back");
    const node = await reachNode(machine, key);
    await waitUntilApplied(node);
    const status = JSON.parse(await sshOutput(node, "k3os status --json"));
    expect(status.current).toMatchObject({ k3os: version, k3s: "v1" });
    expect(status.failed.at(-1)).toMatchObject({
      versions: { k3os: "v99.0.0", k3s: NEW_K3S },
      reason: expect.stringContaining("health.d: check ended with status 1"),
    });
    expect(await sshOutput(node, `sudo cat ${DATABASE}`)).toBe("data of the old version");
    const kept = `sudo cat /var/lib/rancher/k3os/datastore/replaced-${NEW_K3S}/state.db`;
    expect(await sshOutput(node, kept)).toContain("new");
  },
  20 * MINUTE,
);
