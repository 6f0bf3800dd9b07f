import { spawn } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunOptions, type RunResult, runProgram } from "../../lib/tools/host/host.ts";

export interface Sandbox extends AsyncDisposable {
  /** The program that runs a program inside, as an argument vector. */
  argv(program: readonly string[]): readonly string[];
  /** Runs a program inside. */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
}

/**
 * The root file system of this machine as a copy that can be written to, in mount, host name, network, IPC and process
 * namespaces of its own: what is done inside is seen nowhere else, and is gone in the end. /run is empty.
 */
const SETUP = `
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount --rbind /dev "$1/root/dev"
mount --rbind /sys "$1/root/sys"
mount -t proc proc "$1/root/proc"
mount -t tmpfs tmpfs "$1/root/run"
ip link set lo up
# the process that holds the namespaces says that they are ready
exec chroot "$1/root" sh -c 'echo $(readlink /proc/self) && read -r forever'
`;

/** nsenter leaves the working directory outside. */
const IN_ROOT = ["sh", "-c", 'cd / && exec "$@"', "sandbox"];

const NAMESPACES = ["--mount", "--uts", "--net", "--ipc", "--pid"];

/** Opens a sandbox; needs root. */
export async function openSandbox(): Promise<Sandbox> {
  const directory = mkdtempSync(join(tmpdir(), "k3os-sandbox-"));
  const argv = [...NAMESPACES, "--fork", "--kill-child", "sh", "-c", SETUP, "sandbox", directory];
  const holder = spawn("unshare", argv, { stdio: ["pipe", "pipe", "inherit"] });
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once("data", () => resolve());
    holder.once("exit", (status) => reject(new Error(`Cannot open a sandbox: exit status ${status}`)));
  });
  const pid = await childOf(holder.pid ?? 0);
  const inside = (program: readonly string[]) => {
    return ["nsenter", `--target=${pid}`, ...NAMESPACES, "--root", "--", ...IN_ROOT, ...program];
  };
  return {
    argv: inside,
    run: (program, options) => runProgram(inside(program), options),
    [Symbol.asyncDispose]: async () => {
      const ended = new Promise((resolve) => holder.once("exit", resolve));
      holder.stdin.end(); // `read` returns, process 1 of the namespace ends, and all others with it
      await ended;
      rmdirSync(directory);
    },
  };
}

/** unshare --fork stays outside; its child is process 1 inside. */
async function childOf(pid: number): Promise<string> {
  const { stdout } = await runProgram(["cat", `/proc/${pid}/task/${pid}/children`]);
  return stdout.trim();
}
