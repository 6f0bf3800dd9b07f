import { copyFileSync, mkdirSync, mkdtempSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import {
  IMAGES,
  WITHOUT_CONTROLLER,
  WITHOUT_PARTS,
  waitFor,
  waitForObject,
  waitUntilReady,
} from "../../lib/make/vm/cluster-node.ts";
import { makePodImages } from "../../lib/make/vm/pod-images.ts";
import type { Machine } from "../../lib/make/vm/qemu.ts";
import { generateKey, type SshKey, type SshTarget, ssh, sshArgv } from "../../lib/make/vm/ssh.ts";
import {
  bootDisk,
  type DiskBoot,
  type Hardware,
  reachNode,
  waitUntilApplied,
  within,
} from "../../lib/make/vm/virtual-node.ts";
import { FIRST_PARTITION } from "../../lib/tools/disk/partitions.ts";
import { GIB } from "../../lib/tools/fs/size.ts";
import { cmd } from "../../lib/tools/host/cmd.ts";
import { runProgram, systemHost } from "../../lib/tools/host/host.ts";
import { builtK3s } from "./built-k3s.ts";
import { output } from "./disk.ts";
import { makeInstalledDisk, type ReleaseFiles } from "./installed-disk.ts";

const MINUTE = 60_000;
/** Grown to by the first boot. */
const DISK_SIZE = 12 * GIB;

/** The k3s in the artifacts. */
export const K3S = builtK3s() ?? "";

/** The arguments of a server whose pods need no image but those of {@link makePodImages}. */
export const SERVER_ARGS = ["server", WITHOUT_PARTS, WITHOUT_CONTROLLER] as const;

/** What the nodes of one test file share. */
export interface Cluster extends Disposable {
  readonly scratch: string;
  readonly key: SshKey;
  /** Archives of the images that pods need. */
  readonly images: readonly string[];
}

/** Makes a key and the images of pods. Needs root, as all of this module. */
export async function prepareCluster({ k3s = K3S } = {}): Promise<Cluster> {
  const scratch = mkdtempSync(join(tmpdir(), "k3os-cluster-"));
  const key = await generateKey(scratch);
  const images = await makePodImages(join(scratch, "images"), { k3s }, systemHost());
  return { scratch, key, images, [Symbol.dispose]: () => rmSync(scratch, { recursive: true, force: true }) };
}

export interface NodeDisk {
  /** Keys beside those of every node; JSON is YAML. */
  readonly config: { readonly k3os: object } & Readonly<Record<string, unknown>>;
  /** Default: those of the cluster. */
  readonly images?: readonly string[];
  /** Default: the artifacts. */
  readonly release?: ReleaseFiles;
}

/** Makes a machine whose disk is installed from a release, with archives where its k3s imports them. */
export async function makeNode(
  name: string,
  { config, images, release }: NodeDisk,
  cluster: Cluster,
): Promise<Hardware> {
  const disk = join(cluster.scratch, `${name}.img`);
  const text = JSON.stringify({ ssh_authorized_keys: [cluster.key.publicKey], hostname: name, ...config });
  await makeInstalledDisk(disk, { config: text, ...(release && { release }) });
  changeDisk(disk, (root) => {
    const directory = join(root, "k3os/data", IMAGES);
    mkdirSync(directory, { recursive: true });
    for (const image of images ?? cluster.images) copyFileSync(image, join(directory, basename(image)));
  });
  truncateSync(disk, DISK_SIZE);
  return { name: `cluster-${name}`, firmware: "bios", disk, efiVariables: `${disk}.variables.fd` };
}

/**
 * Changes files of the state file system of a machine that is off; `root` is where it is mounted, `offset` where its
 * partition begins, in bytes.
 */
export function changeDisk(
  disk: string,
  change: (root: string) => void,
  { offset = FIRST_PARTITION }: { readonly offset?: number } = {},
): void {
  const root = mkdtempSync(join(tmpdir(), "k3os-root-"));
  output(["mount", "--options", `loop,offset=${offset}`, disk, root]);
  try {
    change(root);
  } finally {
    output(["umount", root]);
    rmSync(root, { recursive: true });
  }
}

/** A running machine. */
export interface ClusterNode extends AsyncDisposable {
  readonly machine: Machine;
  readonly target: SshTarget;
  /** The output of a shell command. Throws when it fails. */
  run(command: string, options?: { readonly timeout?: number }): Promise<string>;
  /** The output of `sudo kubectl`. */
  kubectl(args: string): Promise<string>;
  /** Writes a file, executable. */
  put(path: string, content: Uint8Array): Promise<void>;
  /** Applies a manifest; JSON is YAML. */
  apply(manifest: object): Promise<void>;
  /** Waits until a command succeeds. */
  until(command: string, options?: { readonly timeout?: number }): Promise<string>;
  /** Waits until an object has a condition, as `kubectl wait --for`. */
  wait(object: string, condition: string, options?: { readonly timeout?: number }): Promise<void>;
  /** Waits until a node is Ready. */
  ready(name: string): Promise<void>;
  /** Runs a command that ends the machine, and waits for that. */
  end(command: string): Promise<void>;
}

/** Boots a machine from its disk and waits until its configuration is applied. */
export async function startNode(
  hardware: Hardware,
  boot: string,
  { cluster, ...options }: { readonly cluster: Cluster } & Omit<DiskBoot, "boot">,
): Promise<ClusterNode> {
  const machine = await bootDisk(hardware, { memory: 2048, ...options, boot });
  try {
    const target = await reachNode(machine, cluster.key);
    await waitUntilApplied(target);
    return nodeOf(machine, target);
  } catch (error) {
    await machine.kill();
    throw error;
  }
}

/** A machine that answers by SSH. */
export function nodeOf(machine: Machine, target: SshTarget): ClusterNode {
  const run: ClusterNode["run"] = async (command, { timeout = 4 * MINUTE } = {}) => {
    const { code, stdout, stderr } = await ssh(target, command, { timeout });
    if (code !== 0) throw new Error(`"${command}" on the node failed (status ${code}): ${stderr || stdout}`);
    return stdout.trim();
  };
  return {
    machine,
    target,
    run,
    kubectl: (args) => run(`sudo kubectl ${args}`),
    put: async (path, content) => {
      const write = `sudo install -D -m 755 /dev/stdin ${path}`;
      await runProgram(cmd`${sshArgv(target)} ${write}`, { input: content, timeout: 4 * MINUTE });
    },
    apply: async (manifest) => {
      // the schema of all objects is what a slow API server does not send in time
      await run(`sudo kubectl apply --validate=false -f - <<'END'\n${JSON.stringify(manifest)}\nEND`);
    },
    until: (command, options) => waitFor(target, command, options),
    wait: (object, condition, options) => waitForObject(target, object, { condition, ...options }),
    ready: (name) => waitUntilReady(target, name),
    end: async (command) => {
      await ssh(target, command, { timeout: 4 * MINUTE });
      await within(machine.exited, 6 * MINUTE, "The machine did not end");
    },
    [Symbol.asyncDispose]: machine.kill,
  };
}
