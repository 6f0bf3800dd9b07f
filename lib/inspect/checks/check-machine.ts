import { statSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import { GIB, MIB } from "../../tools/fs/size.ts";
import { linkedVersions, readLinks } from "../../tools/generation/generation-links.ts";
import { cmd } from "../../tools/host/cmd.ts";
import { FILE, inRoot, PATH } from "../../tools/host/paths.ts";
import { needsUnifiedCgroups } from "../../tools/node/cgroup-version.ts";
import { readK3sUnit } from "../../tools/node/k3s-unit.ts";
import { inspectKernel, type KernelReport } from "../../tools/node/kernel-features.ts";
import { runningKernel } from "../../tools/node/kernel-sources.ts";
import { runningMode } from "../../tools/node/running-mode.ts";
import { OWN_K3S } from "../../tools/release/k3s-release.ts";
import { formatBytes } from "../../tools/terminal/progress.ts";
import { defineCheck, type Verdict } from "../doctor-check.ts";

/**
 * The requirements of k3s, minus the memory that firmware and kernel reserve
 * (https://docs.k3s.io/installation/requirements).
 */
const REQUIRED = { server: 1.8 * GIB, agent: 450 * MIB } as const;

export const memory = defineCheck({
  name: "memory",
  facts: (host) => ({ bytes: totalmem(), role: readK3sUnit(host)?.role }),
  judge: judgeMemory,
});

export function judgeMemory({
  bytes,
  role,
}: {
  bytes: number;
  role: keyof typeof REQUIRED | undefined;
}): Verdict {
  const message = `${formatBytes(bytes)}${role === undefined ? "" : `, ${role}`}`;
  if (bytes >= REQUIRED[role ?? "agent"]) return { state: "ok", message };
  if (bytes < REQUIRED.agent) {
    return { state: "failure", message, hint: "k3s needs 512 MiB for an agent, 2 GiB for a server" };
  }
  return { state: "warning", message, hint: "a server wants 2 GiB: make it an agent with k3os.server_url" };
}

export const kernel = defineCheck({
  name: "kernel",
  facts: (host) => {
    const sources = runningKernel();
    const report = inspectKernel(sources);
    // a kernel that runs k3OS can read its root image, whatever it reports
    const unknown = runningMode(host) === undefined ? report.unknown : report.unknown.filter(isNotRootImage);
    const current = linkedVersions(readLinks(inRoot(host, PATH.system)), "current").k3s;
    return {
      report: { ...report, unknown },
      unified: sources.controllers !== undefined,
      k3s: current ?? OWN_K3S,
    };
  },
  judge: judgeKernel,
});

function isNotRootImage(feature: string): boolean {
  return !feature.startsWith("squashfs");
}

/** What the kernel has; `k3s` is the version that has to run on it. */
export interface KernelFacts {
  readonly report: KernelReport;
  /** Cgroups of version 2. */
  readonly unified: boolean;
  readonly k3s: string;
}

export function judgeKernel({ report, unified, k3s }: KernelFacts): Verdict {
  const missing = [...report.missing, ...report.network, ...report.pods];
  if (missing.length > 0) {
    const hint = "boot a kernel that has it: k3os-upgrade-kernel, or on a board its maker's newer one";
    return { state: "failure", message: `lacks ${missing.join(", ")}`, hint };
  }
  if (report.off.length > 0) {
    const hint = 'add "cgroup_enable=memory cgroup_memory=1" to the kernel command line';
    return { state: "failure", message: `has ${report.off.join(", ")} disabled`, hint };
  }
  if (!unified) {
    const hint = "take systemd.unified_cgroup_hierarchy=0 out of the kernel command line";
    if (needsUnifiedCgroups(k3s)) {
      return { state: "failure", message: `has no cgroups of version 2, which k3s ${k3s} needs`, hint };
    }
    return { state: "warning", message: "has no cgroups of version 2, which newer k3s needs", hint };
  }
  if (report.optional.length > 0) {
    const message = `lacks ${report.optional.join(", ")}, which kube-proxy needs for its mode ipvs`;
    return {
      state: "warning",
      message,
      hint: "k3s check-config asks for it; without that mode it is not used",
    };
  }
  if (report.unknown.length > 0) {
    return {
      state: "warning",
      message: `may lack ${report.unknown.join(", ")}`,
      hint: 'look for "k3os" in dmesg',
    };
  }
  return { state: "ok", message: "has all that k3s needs" };
}

export const clock = defineCheck({
  name: "clock",
  facts: async (host) => {
    const argv = cmd`timedatectl show --property NTPSynchronized --value`;
    const { stdout } = await host.run(argv, { timeout: 10_000 });
    const program = join(inRoot(host, PATH.system), "k3os/current", FILE.executable);
    const made = statSync(program, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    return { now: host.clock.now(), made, synchronised: stdout.trim() === "yes" };
  },
  judge: judgeClock,
});

/** Times in milliseconds since the epoch. */
export function judgeClock(found: { now: number; made: number; synchronised: boolean }): Verdict {
  const { now, made, synchronised } = found;
  const time = new Date(now).toISOString();
  const hint = "set k3os.ntp_servers to servers that answer, or look at timedatectl timesync-status";
  if (now < made) {
    return { state: "failure", message: `${time} is before this k3OS was made: certificates fail`, hint };
  }
  if (!synchronised) return { state: "warning", message: `${time}, not synchronised`, hint };
  return { state: "ok", message: `${time}, synchronised` };
}
