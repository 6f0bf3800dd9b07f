import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { ARTIFACTS } from "./image.ts";

/** Two machines as far as the network is concerned, joined by cables: `eth0`, `eth1` … here are `peer0` … there. */
export interface NetworkPair extends Disposable {
  /** The root of the machine under test, which has its own /sys and /proc. */
  readonly root: string;
  /** Runs a program on the machine under test; returns what it prints. */
  here(...argv: string[]): string;
  there(...argv: string[]): string;
  /** Starts a server at the other end; it ends with the scope. */
  serve(...argv: string[]): void;
  /**
   * Brings the network up as a boot does, by a kernel command line; returns what it logged, errors included. `hurried`:
   * without waiting for a card or a link.
   */
  bringUp(cmdline: string, pace?: "hurried"): string;
  /** A file for the servers. */
  write(name: string, text: string): string;
}

const INITRD = join(ARTIFACTS, `k3os-initrd-${hostTarget().arch}`);
const BRING_UP = join(import.meta.dirname, "bring-up-network.ts");

/** Needs root; ends with its scope, and with the test runner. */
export function networkPair({ cables }: { readonly cables: number }): NetworkPair {
  const root = mkdtempSync(join(tmpdir(), "k3os-network-"));
  for (const name of ["sys", "proc"]) mkdirSync(join(root, name));
  // busybox of the initrd: it has a client of DHCPv6, which that of this machine may lack
  const unpack = `cd ${root} && zstd -qdc ${INITRD} 2>/dev/null | cpio -id --quiet bin/busybox`;
  const mounts = [
    ...["mount -t sysfs sysfs sys", "mount --bind /proc proc", "mount --bind bin/busybox /usr/bin/busybox"],
  ];
  const here = namespace([unpack, ...mounts].join(" && "));
  const there = namespace("true");
  const servers: ChildProcess[] = [];
  const inside = (pid: number | undefined, argv: readonly string[]): string[] => {
    return ["nsenter", `--target=${pid}`, "--net", "--mount", "--", ...argv];
  };
  const runIn = (machine: ChildProcess, argv: readonly string[]): string => {
    const [program = "", ...args] = inside(machine.pid, argv);
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", timeout: 120_000 });
    if (status !== 0) throw new Error(`${argv.join(" ")}: ${stderr}`);
    return stdout;
  };
  for (let at = 0; at < cables; at++) {
    runIn(here, ["ip", "link", "add", `eth${at}`, "type", "veth", "peer", "name", `peer${at}`]);
    runIn(here, ["ip", "link", "set", `peer${at}`, "netns", String(there.pid)]);
    runIn(there, ["ip", "link", "set", `peer${at}`, "up"]);
  }
  return {
    root,
    here: (...argv) => runIn(here, argv),
    there: (...argv) => runIn(there, argv),
    serve: (...argv) => {
      const [program = "", ...args] = inside(there.pid, argv);
      servers.push(spawn(program, args, { stdio: "ignore" }));
    },
    bringUp: (cmdline, pace) => runIn(here, [process.execPath, BRING_UP, root, cmdline, pace ?? ""]),
    write: (name, text) => {
      writeFileSync(join(root, name), text);
      return join(root, name);
    },
    [Symbol.dispose]: () => {
      for (const child of [...servers, here, there]) child.kill("SIGKILL");
      rmSync(root, { recursive: true });
    },
  };
}

/** Namespaces of a network and of mounts, kept by a process that is there when this returns. */
function namespace(prepare: string): ChildProcess {
  const child = spawn(
    "setpriv",
    [
      ...["--pdeathsig", "KILL", "unshare", "--net", "--mount", "--"],
      ...["sh", "-c", `${prepare} && ip link set lo up && exec sleep infinity`],
    ],
    { stdio: "ignore" },
  );
  const isReady = () => {
    try {
      return readFileSync(`/proc/${child.pid}/cmdline`, "utf8").startsWith("sleep");
    } catch {
      return false; // not started yet
    }
  };
  for (let tries = 0; !isReady(); tries++) {
    if (tries === 1000) throw new Error("No namespace could be made: is this root?");
    spawnSync("sleep", ["0.01"]);
  }
  return child;
}
