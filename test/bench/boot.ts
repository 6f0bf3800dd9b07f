import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { BuildContext } from "../../lib/make/build/context.ts";
import { k3sCachePath } from "../../lib/make/image/k3s-cache.ts";
import { type Machine, type MachineOptions, startMachine, VM_DIRECTORY } from "../../lib/make/vm/qemu.ts";
import { within } from "../../lib/make/vm/virtual-node.ts";
import { GIB } from "../../lib/tools/fs/size.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { STABLE_K3S } from "../../lib/tools/release/k3s-release.ts";
import { CommandError, messageOf } from "../../lib/tools/text/errors.ts";
import { SERVER_ARGS } from "../support/cluster.ts";
import { makeInstalledDisk } from "../support/installed-disk.ts";
import { type Comparison, type Figure, ratio } from "./figure.ts";
import { makeStockDebian } from "./stock-debian.ts";

const LATER_BOOTS = 2;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const MB = 1e6;
/** Of the processor time in proc_pid_stat(5); the same on all architectures of Linux. */
const TICKS_PER_SECOND = 100;

/** One boot from power-on. */
export interface BootRun {
  readonly login: Moment;
  readonly ready: Moment;
  /** Bytes that are not available a while after that. */
  readonly memory: number;
}

/** Milliseconds since power-on, and of them processor time of the emulator. */
export interface Moment {
  readonly time: number;
  readonly processor: number;
}

/** Tells the console when the node is Ready, and two minutes later how much memory is not available. */
const WATCH = `#!/bin/sh
until systemctl is-active --quiet k3s; do sleep 1; done
until k3s kubectl wait --for=condition=Ready node --all --timeout=300s >/dev/null 2>&1; do sleep 1; done
echo "bench: node Ready" >/dev/console
sleep 120
awk '/^MemTotal/ { total = $2 } /^MemAvailable/ { print "bench: memory", (total - $2) * 1024, "bytes" }' /proc/meminfo >/dev/console
`;

/**
 * A server from power-on to the login prompt and until its node is Ready, and its memory, beside a stock Debian with the
 * same k3s in the same machine. Ours begins with the boot loader and its menu; Debian's kernel is started at once.
 */
export async function benchBoot(context: BuildContext): Promise<Figure[]> {
  mkdirSync(VM_DIRECTORY, { recursive: true });
  const ours = join(VM_DIRECTORY, "bench-k3os.img");
  const stock = await stockDebian(context);
  await makeOurs(ours, context);
  try {
    const machines = {
      ours: { disks: [ours] },
      theirs: { disks: [stock.disk], kernel: stock.kernel },
    };
    const runs = { ours: [] as BootRun[], theirs: [] as BootRun[] };
    for (let boot = 0; boot <= LATER_BOOTS; boot++) {
      for (const who of ["ours", "theirs"] as const)
        runs[who].push(await bootServer(`bench-${who}-${boot}`, machines[who]));
    }
    return figures(runs);
  } finally {
    for (const disk of [ours, stock.disk]) rmSync(disk);
  }
}

async function stockDebian(context: BuildContext) {
  const k3s = k3sCachePath(STABLE_K3S, hostTarget().arch, context.host.env);
  try {
    return await makeStockDebian({ k3s, args: SERVER_ARGS, watch: WATCH }, context);
  } catch (cause) {
    throw new CommandError(`Cannot make the peer, a stock Debian with k3s: ${messageOf(cause)}`, { cause });
  }
}

/** Makes a disk of ours with a server. It has not booted yet. */
export async function makeOurs(disk: string, { host }: Pick<BuildContext, "host">): Promise<void> {
  const config = {
    hostname: "bench",
    k3os: { k3s_args: SERVER_ARGS },
    write_files: [{ path: "/etc/local.d/watch.start", permissions: "0755", content: `${WATCH.trim()}\n` }],
  };
  await makeInstalledDisk(disk, { config: JSON.stringify(config) });
  await host.run(["truncate", "--size", String(12 * GIB), disk]);
}

/** Boots a server from power-on until its memory is known, and switches it off. */
export async function bootServer(
  name: string,
  machine: Pick<MachineOptions, "disks" | "kernel">,
): Promise<BootRun> {
  const started = performance.now();
  await using running = await startMachine({ name, memory: 2048, extra: LIKE_A_SERVER, ...machine });
  const moment = (): Moment => ({
    time: performance.now() - started,
    processor: processorTime(running.pid),
  });
  const { console } = running;
  await console.expect(/login: /, { timeout: 10 * MINUTE });
  const login = moment();
  await console.expect(/bench: node Ready/, { timeout: 30 * MINUTE });
  const ready = moment();
  const [, memory] = await console.expect(/bench: memory (\d+) bytes/, { timeout: 10 * MINUTE });
  await switchOff(running);
  return { login, ready, memory: Number(memory) };
}

/** Two processors on the chipset of today's servers. */
const LIKE_A_SERVER = ["-machine", "q35", "-smp", "2"];

/** Milliseconds of processor time that a process has had. */
function processorTime(pid: number): number {
  // its name, in parentheses, may contain spaces
  const [, fields = ""] = /\) (.*)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
  const [user, system] = fields.split(" ").slice(11, 13).map(Number);
  return (((user ?? 0) + (system ?? 0)) * SECOND) / TICKS_PER_SECOND;
}

/** It may not listen to the power button yet, which is pressed until the machine is gone. */
async function switchOff(machine: Machine): Promise<void> {
  const pressing = setInterval(() => machine.powerDown().catch(() => undefined), 3 * SECOND);
  try {
    await within(machine.exited, 5 * MINUTE, "The machine did not switch itself off");
  } finally {
    clearInterval(pressing);
  }
}

const AGAINST = "a stock Debian without a boot loader";

/** The first boot, and the later ones, in wall-clock and in processor time. */
export function figures(runs: Readonly<Record<keyof Comparison, readonly BootRun[]>>): Figure[] {
  const compare = (boots: "first boot" | "later boots") => {
    const chosen = (who: keyof Comparison) =>
      boots === "first boot" ? runs[who].slice(0, 1) : runs[who].slice(1);
    const values = (value: (run: BootRun) => number): Comparison => ({
      ours: chosen("ours").map(value),
      theirs: chosen("theirs").map(value),
    });
    return [
      ratio(
        `${boots}, to login`,
        1,
        values(({ login }) => login.time),
        AGAINST,
      ),
      ratio(
        `${boots}, to node Ready`,
        1,
        values(({ ready }) => ready.time),
        AGAINST,
      ),
      ratio(
        `${boots}, to login, processor`,
        1,
        values(({ login }) => login.processor),
        AGAINST,
      ),
      ratio(
        `${boots}, to node Ready, processor`,
        1,
        values(({ ready }) => ready.processor),
        AGAINST,
      ),
    ];
  };
  const memory = {
    ours: runs.ours.map((run) => run.memory),
    theirs: runs.theirs.map((run) => run.memory),
  };
  return [
    ...compare("first boot"),
    ...compare("later boots"),
    ratio("memory of an idle server", 1, memory, AGAINST, (bytes) => `${(bytes / MB).toFixed(0)} MB`),
  ];
}
