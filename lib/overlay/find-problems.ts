import { MIB } from "../tools/fs/size.ts";
import { type Arch, TARGETS } from "../tools/host/targets.ts";
import { inspectKernel, type KernelSources } from "../tools/node/kernel-features.ts";
import { formatBytes } from "../tools/terminal/progress.ts";
import type { OverlayFacts } from "./overlay-facts.ts";

/** What is to be laid over a root. */
export interface OverlayTarball {
  readonly arch: Arch;
  /** Bytes of the file; undefined where its server does not tell. */
  readonly size: number | undefined;
}

/** What was found: a refusal keeps the overlay from being applied. */
export interface OverlayFindings {
  readonly refusals: readonly string[];
  readonly warnings: readonly string[];
}

/** Of the unpacked files, by the bytes of the tarball: the executable shrinks to a third, all else is compressed already. */
const UNPACKED = 2;
/** Bytes that have to stay free for what the machine keeps before it does anything. */
const MARGIN = 256 * MIB;

/** File systems whose content does not outlive a restart, or cannot be written to. */
const FLEETING = ["overlay", "tmpfs", "ramfs", "rootfs", "squashfs", "erofs", "iso9660"];

/** What a Raspberry Pi's command line needs, where the memory controller is off by default. */
const MEMORY_WORDS = ["cgroup_enable=memory", "cgroup_memory=1"];

/** Everything that speaks against laying a tarball over a root, all at once. */
export function findProblems(tarball: OverlayTarball, facts: OverlayFacts): OverlayFindings {
  const refusals = [...rootProblems(facts), ...archProblems(tarball.arch, facts)];
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

/** The kernel decides, and where it is not known, the programs that are there. */
function archProblems(arch: Arch, { root, machine, kernelMachine }: OverlayFacts): string[] {
  const wanted = TARGETS.find((target) => target.arch === arch);
  if (machine === undefined) return [`"${root}" contains no Linux: /bin/sh is missing`];
  const programs = TARGETS.find((target) => target.elfMachine === machine)?.arch;
  const kernel = TARGETS.find(({ machines }) => machines.some((name) => name === kernelMachine))?.arch;
  if (kernelMachine !== undefined && kernel === undefined) {
    return [`This machine is ${kernelMachine}, which k3OS is not made for`];
  }
  if (wanted?.elfMachine === machine || kernel === arch) return [];
  const found = programs ?? "another architecture";
  return [`The tarball is for ${arch}, "${root}" is for ${found}`];
}

function kernelProblems(kernel: KernelSources, words: readonly string[]): OverlayFindings {
  const { missing, off, unknown, network } = inspectKernel(kernel);
  const name = `Kernel ${kernel.version}`;
  const refusals = missing.length === 0 ? [] : [`${name} lacks ${missing.join(", ")}`];
  const warnings: string[] = [];
  // the words may be in the file already, and count from the next start on
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
  if (unknown.length > 0) warnings.push(`Whether ${name} has ${unknown.join(", ")} is not known`);
  return { refusals, warnings };
}
