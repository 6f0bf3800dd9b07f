import type { Options } from "../tools/cli/cli.ts";
import { cmd } from "../tools/host/cmd.ts";
import type { Host } from "../tools/host/host.ts";
import { CommandError, during } from "../tools/text/errors.ts";

/**
 * The toolbox: a container with the tools that the read-only system lacks, run by the containerd of k3s. It has its own
 * namespace there, which the kubelet ignores when it removes images that no pod uses.
 */
const CTR = ["ctr", "--namespace", "k3os"];
const NAME = "toolbox";

/** The mount point of the node's file systems in the container. */
const HOST_ROOT = "/host";

/**
 * The Debian release of the userland: maintained, available for all architectures, and compatible with the node's
 * programs.
 */
export const DEFAULT_IMAGE = "docker.io/library/debian:trixie";
export const DEFAULT_SHELL = "sh";

export const IMAGE_OPTION = {
  image: {
    type: "string",
    value: "IMAGE",
    help: `full image name (default: ${DEFAULT_IMAGE})`,
    env: "TOOLBOX_IMAGE",
  },
} as const satisfies Options;

export const SHELL_OPTION = {
  shell: {
    type: "string",
    value: "PROGRAM",
    help: `program to run (default: ${DEFAULT_SHELL})`,
    env: "TOOLBOX_SHELL",
  },
} as const satisfies Options;

type ToolboxHost = Pick<Host, "run" | "log">;

/** Downloads the image and starts the container. Throws CommandError if it exists. */
export async function createToolbox(image: string, host: ToolboxHost): Promise<void> {
  if (await isThere(host)) {
    throw new CommandError("The toolbox already exists", {
      hint: 'enter it with "k3os toolbox enter", or remove it with "k3os toolbox rm"',
    });
  }
  host.log.info(`Fetching ${image} …`);
  await during(`Fetching the image "${image}"`, () =>
    host.run(cmd`${CTR} images pull ${image}`, { stdio: "inherit" }),
  );
  const mount = `type=bind,src=/,dst=${HOST_ROOT},options=rbind:rw`;
  const access = ["--privileged", "--net-host", "--mount", mount];
  // a shell without a terminal would end at once
  await host.run(cmd`${CTR} run --detach ${access} ${image} ${NAME} sleep infinity`);
  host.log.info(
    `The toolbox runs, with the node's files at ${HOST_ROOT}: enter it with "k3os toolbox enter"`,
  );
}

export interface Visit {
  readonly shell: string;
  /** The name of the current terminal; undefined: none. */
  readonly terminal: string | undefined;
  /** Distinguishes this session from parallel ones. */
  readonly id: string;
}

/**
 * Runs a shell in the container, which is started first if necessary, for instance after a reboot of the node.
 * Returns the shell's exit status. Throws CommandError if there is no container.
 */
export async function enterToolbox({ shell, terminal, id }: Visit, host: ToolboxHost): Promise<number> {
  await requireToolbox(host);
  const status = await taskStatus(host);
  if (status !== "RUNNING") {
    if (status !== undefined) await host.run(cmd`${CTR} tasks delete --force ${NAME}`);
    await host.run(cmd`${CTR} tasks start --detach ${NAME}`);
  }
  const tty = terminal === undefined ? [] : ["--tty"];
  const program = terminal === undefined ? [shell] : ["env", `TERM=${terminal}`, shell];
  const argv = cmd`${CTR} tasks exec ${tty} --exec-id ${id} ${NAME} ${program}`;
  const { code } = await host.run(argv, { stdio: "inherit", check: false });
  return code;
}

/**
 * Ends all processes in the container, and removes it; the image stays. Throws CommandError if there is no container.
 */
export async function removeToolbox(host: ToolboxHost): Promise<void> {
  await requireToolbox(host);
  if ((await taskStatus(host)) !== undefined) await host.run(cmd`${CTR} tasks delete --force ${NAME}`);
  await host.run(cmd`${CTR} containers delete ${NAME}`);
  host.log.info("The toolbox is removed");
}

async function requireToolbox(host: Pick<Host, "run">): Promise<void> {
  if (await isThere(host)) return;
  throw new CommandError("The toolbox does not exist", { hint: 'create it with "k3os toolbox create"' });
}

async function isThere(host: Pick<Host, "run">): Promise<boolean> {
  return (await ask(["containers", "list", "--quiet"], host)).split("\n").includes(NAME);
}

/** RUNNING, STOPPED and so on; undefined if the task does not run, as after a reboot of the node. */
async function taskStatus(host: Pick<Host, "run">): Promise<string | undefined> {
  const rows = (await ask(["tasks", "list"], host)).split("\n").map((row) => row.trim().split(/\s+/));
  return rows.find(([name]) => name === NAME)?.[2];
}

async function ask(question: readonly string[], host: Pick<Host, "run">): Promise<string> {
  try {
    return (await host.run(cmd`${CTR} ${question}`)).stdout;
  } catch (cause) {
    throw new CommandError("Cannot ask containerd", {
      cause,
      hint: 'it is part of k3s, which must be running: see "systemctl status k3s-service"',
    });
  }
}
