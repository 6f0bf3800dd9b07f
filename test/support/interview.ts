import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTerminal, type Terminal } from "../../lib/make/vm/tmux-terminal.ts";
import { MIB } from "../../lib/tools/fs/size.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { makeDisk, output, type TestDisk } from "./disk.ts";
import { makeMedium } from "./medium.ts";
import { PROJECT } from "./sources.ts";

/** A machine that was started from a medium in the mode `live`, with disks beside it. */
export interface LiveMachine extends Disposable {
  /** The disk that it was started from. */
  readonly medium: TestDisk;
  /** How often it was restarted. */
  restarts(): number;
  /** Starts `k3os install` on a terminal. */
  install(options?: {
    readonly args?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly rows?: number;
    /** The kernel's command line. */
    readonly cmdline?: string;
  }): Promise<Terminal>;
}

/** The executable as it is shipped. */
export const EXECUTABLE = join(PROJECT, "dist/artifacts", `k3os-${hostTarget().arch}`);

/** In a mount namespace that ends with it, runs a program on what looks like a live system. */
const LIVE = `
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/k3os/iso
echo live > /run/k3os/mode
mount -o ro "$1" /run/k3os/iso
mount --bind "$2" /proc/cmdline
shift 2
exec "$@"
`;

export function makeLiveMachine(disks: readonly TestDisk[]): LiveMachine {
  const directory = mkdtempSync(join(tmpdir(), "k3os-live-"));
  makeMedium(join(directory, "medium"));
  const medium = makeDisk(64 * MIB);
  output(["mkfs.ext4", "-q", "-L", "K3OS", "-d", join(directory, "medium"), medium.path]);
  const programs = join(directory, "bin");
  mkdirSync(programs);
  // loop devices are no disks to choose from, and those of the machine that runs the test must not be
  const paths = [...disks, medium].map(({ path }) => path).join(" ");
  const lsblk = output(["sh", "-c", "command -v lsblk"]);
  script(join(programs, "lsblk"), `${lsblk} "$@" ${paths} | sed 's/"type": *"loop"/"type":"disk"/'`);
  const restarts = join(directory, "restarts");
  script(join(programs, "reboot"), `echo >> ${restarts}`);
  const cmdlineFile = join(directory, "cmdline");
  return {
    medium,
    restarts: () => (existsSync(restarts) ? statSync(restarts).size : 0),
    install: async ({ args = [], env = {}, rows = 24, cmdline = "quiet" } = {}) => {
      writeFileSync(cmdlineFile, `${cmdline}\n`);
      const program = [EXECUTABLE, "install", ...args];
      const argv = ["unshare", "--mount", "sh", "-c", LIVE, "sh", medium.path, cmdlineFile, ...program];
      return await startTerminal(argv, { rows, env: { PATH: `${programs}:${process.env.PATH}`, ...env } });
    },
    [Symbol.dispose]: () => {
      medium[Symbol.dispose]();
      rmSync(directory, { recursive: true });
    },
  };
}

function script(path: string, line: string): void {
  writeFileSync(path, `#!/bin/sh\n${line}\n`);
  chmodSync(path, 0o755);
}
