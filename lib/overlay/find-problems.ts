import { MIB } from "../tools/fs/size.ts";
import { type Arch, TARGETS } from "../tools/host/targets.ts";
import { legacyCgroupWords, needsUnifiedCgroups } from "../tools/node/cgroup-version.ts";
import { inspectKernel, type KernelSources } from "../tools/node/kernel-features.ts";
import { OWN_K3S } from "../tools/release/k3s-release.ts";
import { formatBytes } from "../tools/terminal/progress.ts";
import type { OverlayFacts } from "./overlay-facts.ts";

/** The tarball for a root. */
export interface OverlayTarball {
  readonly arch: Arch;
  /** Bytes of the file; undefined if its server does not report it. */
  readonly size: number | undefined;
}

/** The findings: a refusal prevents the overlay. */
export interface OverlayFindings {
  readonly refusals: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * The ratio of the unpacked files to the tarball: the executable shrinks to a third, all else is already compressed.
 */
const UNPACKED = 2;
/** Bytes that must stay free for the machine's data. */
const MARGIN = 256 * MIB;

/** File systems that lose their content at a reboot, or are read-only. */
const FLEETING = ["overlay", "tmpfs", "ramfs", "rootfs", "squashfs", "erofs", "iso9660"];

/** The kernel parameters that a Raspberry Pi needs, where the memory controller is disabled by default. */
const MEMORY_WORDS = ["cgroup_enable=memory", "cgroup_memory=1"];

/** All problems of a tarball on a root. */
export function findProblems(tarball: OverlayTarball, facts: OverlayFacts): OverlayFindings {
  const refusals = [
    ...rootProblems(facts),
    ...archProblems(tarball.arch, facts),
    ...cgroupProblems(OWN_K3S, facts),
  ];
  const needed = tarball.size === undefined ? undefined : tarball.size * UNPACKED + MARGIN;
  if (needed !== undefined && facts.free < needed) {
    refusals.push(
      `"${facts.root}" has ${formatBytes(facts.free)} free, about ${formatBytes(needed)} are needed`,
    );
  }
  const kernels = facts.kernels.map((kernel) => kernelProblems(kernel, facts.words));
  return {
    refusals: [...refusals, ...kernels.flatMap((found) => found.refusals)],
    warnings: [
      ...(kernels.length === 0 ? ["What its kernel can do is not known: it has no modules"] : []),
      ...kernels.flatMap((found) => found.warnings),
    ],
  };
}

function rootProblems(facts: OverlayFacts): string[] {
  const { root, mode, fileSystem } = facts;
  const found: string[] = [];
  if (mode !== undefined) found.push("This is k3OS already: upgrade it with k3os-upgrade-rootfs");
  if (facts.readOnly) found.push(`"${root}" is mounted read-only: mount -o remount,rw ${root}`);
  if (fileSystem !== undefined && FLEETING.includes(fileSystem)) {
    found.push(`"${root}" is on ${fileSystem}: files there do not survive a reboot`);
  }
  for (const name of facts.blocked) found.push(`"/${name}" is in the way: move it away`);
  for (const name of facts.apart) {
    found.push(`"/${name}" is on a separate file system: the kernel can only read the root file system`);
  }
  if (facts.otherInit !== undefined) {
    found.push(`The kernel command line starts "${facts.otherInit}": remove init= from it`);
  }
  return found;
}

/** The kernel decides; if it is unknown, the existing programs do. */
function archProblems(arch: Arch, { root, machine, kernelMachine }: OverlayFacts): string[] {
  const expected = TARGETS.find((target) => target.arch === arch);
  if (machine === undefined) return [`"${root}" contains no Linux: /bin/sh is missing`];
  const programs = TARGETS.find((target) => target.elfMachine === machine)?.arch;
  const kernel = TARGETS.find(({ machines }) => machines.some((name) => name === kernelMachine))?.arch;
  if (kernelMachine !== undefined && kernel === undefined) {
    return [`This machine is ${kernelMachine}, which k3OS is not made for`];
  }
  if (expected?.elfMachine === machine || kernel === arch) return [];
  const found = programs ?? "another architecture";
  return [`The tarball is for ${arch}, "${root}" is for ${found}`];
}

/** From 1.35 on, the kubelet refuses cgroups of version 1. */
function cgroupProblems(k3s: string, { kernels, words }: OverlayFacts): string[] {
  if (!needsUnifiedCgroups(k3s)) return [];
  const legacy = legacyCgroupWords(words);
  if (legacy.length > 0) {
    return [`k3s ${k3s} needs cgroups of version 2: remove ${legacy[0]} from the kernel command line`];
  }
  return kernels
    .filter(({ filesystems }) => filesystems !== undefined && !/\tcgroup2$/m.test(filesystems))
    .map(({ version }) => {
      return `Kernel ${version} has no cgroups of version 2, which k3s ${k3s} needs: boot a kernel from 4.15 on`;
    });
}

function kernelProblems(kernel: KernelSources, words: readonly string[]): OverlayFindings {
  const { missing, off, unknown, network, pods, optional } = inspectKernel(kernel);
  const name = `Kernel ${kernel.version}`;
  const refusals = missing.length === 0 ? [] : [`${name} lacks ${missing.join(", ")}`];
  const warnings: string[] = [];
  // the parameters may be in the file already, and take effect from the next boot on
  if (off.length > 0 && !MEMORY_WORDS.some((word) => words.includes(word))) {
    warnings.push(
      `${name} has ${off.join(", ")} disabled, so k3s cannot start: ` +
        `add "${MEMORY_WORDS.join(" ")}" to its command line`,
    );
  }
  if (network.length > 0) {
    warnings.push(
      `${name} lacks ${network.join(", ")}: pods have no network, unless k3s uses another backend`,
    );
  }
  if (pods.length > 0) warnings.push(`${name} lacks ${pods.join(", ")}: pods do not start`);
  if (optional.length > 0) {
    warnings.push(`${name} lacks ${optional.join(", ")}, which kube-proxy needs for its mode ipvs`);
  }
  if (unknown.length > 0) warnings.push(`Whether ${name} has ${unknown.join(", ")} is not known`);
  return { refusals, warnings };
}
