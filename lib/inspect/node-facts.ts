import { existsSync, readFileSync, statfsSync } from "node:fs";
import { hostname, release } from "node:os";
import { formatDiagnostic, hasErrors } from "../config/read/diagnostics.ts";
import { readLayers } from "../config/read/sources.ts";
import { type Mount, parseMountinfo } from "../tools/disk/mount.ts";
import { linkedVersions, readLinks } from "../tools/generation/generation-links.ts";
import { cmd } from "../tools/host/cmd.ts";
import type { Host } from "../tools/host/host.ts";
import { type Component, inRoot, PATH, RESET } from "../tools/host/paths.ts";
import { failedUnits } from "../tools/host/systemd.ts";
import { notApplied } from "../tools/node/applied.ts";
import { type InterfaceAddresses, ownInterfaces } from "../tools/node/issue.ts";
import { runningVersion } from "../tools/node/running-version.ts";
import { type ClusterState, readCluster } from "./cluster-state.ts";
import { type K3sState, readK3s } from "./k3s-state.ts";

export type InspectHost = Pick<Host, "root" | "run" | "clock" | "env" | "log">;

/** A source of the configuration. */
export interface SourceState {
  readonly path: string;
  /** `broken`: a part of it is invalid; `unreadable`: it needs root. */
  readonly state: "read" | "broken" | "unreadable";
  /** `file:line:column: …` */
  readonly problems: readonly string[];
}

/** A mounted file system; sizes in bytes. */
export interface DiskState {
  readonly device: string;
  readonly type: string;
  readonly size: number;
  readonly used: number;
  /** Available to root. */
  readonly free: number;
  readonly readOnly: boolean;
}

/** The node's part of the output of `k3os status --json`, without the versions. */
export interface NodeState {
  readonly hostname: string;
  /** RFC 3339. */
  readonly bootedAt: string | undefined;
  /** Changes that need a reboot to take effect. */
  readonly restartFor: readonly string[];
  /** Undefined: none is configured here. */
  readonly k3s: K3sState | undefined;
  /** The node in its cluster; undefined where k3s has no identity that this user may use. */
  readonly cluster: ClusterState | undefined;
  readonly failedUnits: readonly string[] | undefined;
  readonly configuration: readonly SourceState[];
  /** Entries of the configuration that are not in effect in this boot: `run_cmd[0]: …`. */
  readonly notApplied: readonly string[];
  readonly interfaces: readonly InterfaceAddresses[] | undefined;
  readonly disks: { readonly state: DiskState | undefined; readonly medium: DiskState | undefined };
  /** Facts that could not be determined, with the reasons. */
  readonly leftOut: readonly string[];
}

/**
 * Reads the state of a node, without changes to it. Never throws: `leftOut` lists facts that could not be determined.
 */
export async function readNode(mode: string | undefined, host: InspectHost): Promise<NodeState> {
  const leftOut: string[] = [];
  async function attempt<T>(what: string, look: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await look();
    } catch {
      leftOut.push(what); // outside k3OS, programs, services and files may be missing
      return undefined;
    }
  }
  const configuration = await readSources(host);
  if (configuration.some(({ state }) => state === "unreadable")) leftOut.push("configuration (needs root)");
  const mounts = (await attempt("disks", () => readMounts(host))) ?? [];
  const [k3s, cluster] = await Promise.all([
    readK3s(host),
    mode === undefined ? undefined : readCluster(host),
  ]);
  return {
    hostname: hostname(),
    bootedAt: await attempt("uptime", () => bootTime(host)),
    restartFor: mode === "local" ? restartReasons(host) : [],
    k3s,
    cluster,
    failedUnits: await attempt("units", () => failedUnits(host)),
    configuration,
    notApplied: (await attempt("what was applied (needs root)", () => notApplied(host))) ?? [],
    interfaces: await attempt("addresses", async () => {
      return ownInterfaces((await host.run(cmd`ip -json address`)).stdout);
    }),
    disks: {
      state: mode === "local" ? diskAt("/", mounts, host) : undefined,
      medium: diskAt(PATH.medium, mounts, host),
    },
    leftOut,
  };
}

function bootTime(host: InspectHost): string {
  const [seconds] = readFileSync(inRoot(host, "/proc/uptime"), "utf8").split(" ");
  return new Date(Math.round((host.clock.now() - Number(seconds) * 1000) / 1000) * 1000).toISOString();
}

/** Each existing source once, lowest precedence first. */
export async function readSources(host: Pick<Host, "root">): Promise<SourceState[]> {
  const sources = new Map<string, SourceState>();
  for (const { path, diagnostics } of await readLayers(host)) {
    const before = sources.get(path);
    const problems = [...(before?.problems ?? []), ...diagnostics.map(formatDiagnostic)];
    const unreadable = diagnostics.some(({ message }) => message === "cannot be read (EACCES)");
    const broken = before?.state === "broken" || hasErrors(diagnostics);
    const state = unreadable ? "unreadable" : broken ? "broken" : "read";
    sources.set(path, { path, state, problems: [...new Set(problems)] });
  }
  return [...sources.values()];
}

export function readMounts(host: Pick<Host, "root">): Mount[] {
  return parseMountinfo(readFileSync(inRoot(host, "/proc/self/mountinfo"), "utf8"));
}

export function diskAt(
  target: string,
  mounts: readonly Mount[],
  host: Pick<Host, "root">,
): DiskState | undefined {
  const mount = mounts.findLast((candidate) => candidate.target === target);
  if (mount === undefined) return undefined;
  const { bsize, blocks, bfree, bavail } = statfsSync(inRoot(host, target));
  const { source: device, type, readOnly } = mount;
  const sizes = { size: blocks * bsize, used: (blocks - bfree) * bsize, free: bavail * bsize };
  return { device, type, ...sizes, readOnly };
}

function restartReasons(host: Pick<Host, "root">): string[] {
  const system = inRoot(host, PATH.system);
  const current = linkedVersions(readLinks(system), "current");
  const running: Partial<Record<Component, string>> = { k3os: runningVersion(host) };
  // a board's own kernel is not one of the versions
  if (existsSync(`${system}/kernel/${release()}`)) running.kernel = release();
  const reasons = (Object.keys(running) as Component[])
    .filter((component) => (current[component] ?? running[component]) !== running[component])
    .map((component) => `${component} ${current[component]}`);
  const isReset = Object.values(RESET).some((name) => existsSync(`${system}/${name}`));
  return isReset ? [...reasons, "the reset"] : reasons;
}
