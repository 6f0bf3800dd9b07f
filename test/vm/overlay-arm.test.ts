import { afterAll, beforeAll, expect } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createBuildContext } from "../../lib/make/build/context.ts";
import { type FileServer, serveFiles } from "../../lib/make/vm/http-server.ts";
import { HOST_ADDRESS, type Machine, startMachine, VM_DIRECTORY } from "../../lib/make/vm/qemu.ts";
import {
  generateKey,
  type SshKey,
  type SshTarget,
  ssh,
  sshOutput,
  waitForSsh,
} from "../../lib/make/vm/ssh.ts";
import { FAILED_UNITS, reachNode, restart, waitUntilApplied } from "../../lib/make/vm/virtual-node.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { encodePublicKey } from "../../lib/tools/release/signature-keys.ts";
import { makeSingleBoard, type SingleBoard } from "../support/board.ts";
import { ARTIFACTS } from "../support/image.ts";
import { testOf, whyLeftOut } from "../support/left-out.ts";
import { makeSecretKey } from "../support/minisign.ts";
import { signedList } from "../support/release.ts";

/** A 32-bit board whose Debian has a `/sbin` of its own, and which is made a node and a Debian again by commands. */
const MINUTE = 60_000;
const TARBALL = "k3os-rootfs-arm.tar.gz";
const NEW = "v99.0.0";

let scratch: string;
let key: SshKey;
let board: SingleBoard;
let server: FileServer;
let version: string;

const onBoard = testOf("arm");
const secret = makeSecretKey();
const trust = `--key ${encodePublicKey(secret.publicKey)}`;
const base = () => `http://${HOST_ADDRESS}:${server.port}`;

beforeAll(async () => {
  if (whyLeftOut("arm") !== undefined) return;
  mkdirSync(VM_DIRECTORY, { recursive: true });
  scratch = mkdtempSync(join(tmpdir(), "k3os-overlay-arm-"));
  key = await generateKey(scratch);
  const options = { arch: "arm", publicKey: key.publicKey, merged: false } as const;
  board = await makeSingleBoard(join(scratch, "card.img"), options, createBuildContext());
  version = await makeNewRelease();
  const config = JSON.stringify({ ssh_authorized_keys: [key.publicKey], hostname: "pi2" });
  server = await serveFiles({
    ...release("current", version, join(ARTIFACTS, TARBALL)),
    ...release(NEW, NEW, join(scratch, TARBALL)),
    "/k3os-arm": { file: join(ARTIFACTS, "k3os-arm") },
    "/config.yaml": config,
  });
}, 20 * MINUTE);

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  if (scratch !== undefined) rmSync(scratch, { recursive: true });
});

/** The release that was built, under another version. Returns its own. */
async function makeNewRelease(): Promise<string> {
  const tree = join(scratch, "tree");
  mkdirSync(tree);
  await runProgram(["tar", "-xzf", join(ARTIFACTS, TARBALL), "-C", tree]);
  const [own = ""] = readdirSync(tree);
  renameSync(join(tree, own), join(tree, NEW));
  const component = join(tree, NEW, "k3os/system/k3os");
  renameSync(join(component, own), join(component, NEW));
  rmSync(join(component, "current"));
  symlinkSync(NEW, join(component, "current"));
  await runProgram([
    "tar",
    "--owner=0",
    "--group=0",
    "-C",
    tree,
    "-I",
    "gzip -1",
    "-cf",
    join(scratch, TARBALL),
    NEW,
  ]);
  rmSync(tree, { recursive: true });
  return own;
}

function release(directory: string, signedAs: string, file: string) {
  const signed = signedList({ [TARBALL]: readFileSync(file) }, { secret, version: signedAs, arch: "arm" });
  const lists = Object.entries(signed).map(([name, content]) => [`/${directory}/${name}`, content]);
  return { ...Object.fromEntries(lists), [`/${directory}/${TARBALL}`]: { file } };
}

const start = (boot: string): Promise<Machine> =>
  startMachine({ ...board, name: `overlay-arm-${boot}`, memory: 1024, ssh: true });

/** The board's Debian, as root. */
async function reachDebian(machine: Machine): Promise<SshTarget> {
  const target = { port: machine.sshPort, key, user: "root" };
  await waitForSsh(target, { timeout: 10 * MINUTE, gone: machine.exited });
  return target;
}

async function reach(machine: Machine): Promise<SshTarget> {
  const node = await reachNode(machine, key);
  await waitUntilApplied(node);
  return node;
}

const VERSIONS = "cd /k3os/system/k3os; readlink current previous";
const UNTIL_KEPT = "timeout 110 sh -c 'while [ -e /k3os/system/trial.json ]; do sleep 1; done'";

onBoard(
  'becomes a node by "k3os overlay apply"',
  async () => {
    await using machine = await start("debian");
    const debian = await reachDebian(machine);
    await sshOutput(debian, `curl -sfL ${base()}/k3os-arm >k3os && chmod +x k3os`);
    const wrong = await ssh(
      debian,
      `./k3os overlay apply ${base()}/current/k3os-rootfs-arm64.tar.gz ${trust}`,
    );
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("The tarball is for arm64")]);
    const apply = `./k3os overlay apply ${base()}/current/${TARBALL} --config ${base()}/config.yaml ${trust}`;
    const applied = await ssh(debian, apply, { timeout: 10 * MINUTE });
    expect([applied.code, applied.stderr]).toEqual([0, expect.stringContaining("starts k3OS")]);
    await restart(machine, debian, "sync; reboot -f");
  },
  25 * MINUTE,
);

onBoard(
  "runs k3OS with its own kernel, and upgrades",
  async () => {
    await using machine = await start("first");
    const node = await reach(machine);
    expect(await sshOutput(node, "hostname; cat /run/k3os/mode; uname -rm")).toBe(
      `pi2\nlocal\n${board.release} armv7l`,
    );
    expect(await sshOutput(node, "k3os --version")).toBe(`k3os version ${version}`);
    expect(await sshOutput(node, FAILED_UNITS)).toBe("");
    const kernel = await ssh(node, "sudo k3os-upgrade-kernel");
    expect([kernel.code, kernel.stderr]).toEqual([0, expect.stringContaining("using a custom kernel")]);
    const env = `K3OS_RELEASE_URL=${base()} K3OS_VERSION=${NEW}`;
    const upgraded = await ssh(node, `sudo ${env} k3os-upgrade-rootfs ${trust}`, { timeout: 10 * MINUTE });
    expect([upgraded.code, upgraded.stdout]).toEqual([
      0,
      expect.stringContaining(`Upgrading k3os to ${NEW}`),
    ]);
    expect(await sshOutput(node, VERSIONS)).toBe(`${NEW}\n${version}`);
    await restart(machine, node, "sudo systemctl reboot");
  },
  25 * MINUTE,
);

onBoard(
  "keeps the new version, goes back to the old one by command, and becomes what it was",
  async () => {
    {
      await using machine = await start("new");
      const node = await reach(machine);
      await sshOutput(node, UNTIL_KEPT);
      expect(await sshOutput(node, VERSIONS)).toBe(`${NEW}\n${version}`);
      expect(await sshOutput(node, "sudo k3os rollback")).toBe(`k3os ${NEW} → ${version}`);
      await restart(machine, node, "sudo systemctl reboot");
    }
    {
      await using machine = await start("back");
      const node = await reach(machine);
      expect(await sshOutput(node, "ls -a /k3os/system /k3os/system/k3os")).not.toContain("partial");
      expect(await sshOutput(node, VERSIONS)).toBe(`${version}\n${NEW}`);
      const removed = await ssh(node, "sudo k3os overlay remove");
      expect([removed.code, removed.stderr]).toEqual([
        0,
        expect.stringContaining("The next boot starts the original system"),
      ]);
      await restart(machine, node, "sudo systemctl reboot");
    }
    await using machine = await start("debian-again");
    await machine.console.expect(/Debian GNU\/Linux \d+ board/, { timeout: 6 * MINUTE });
  },
  40 * MINUTE,
);
