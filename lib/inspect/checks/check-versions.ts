import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { GRUB_DIRECTORIES, parseEnvironment, TRIAL_VARIABLE } from "../../tools/disk/grubenv.ts";
import { readBounded, readTextIfThere } from "../../tools/fs/read-bounded.ts";
import { readRecords } from "../../tools/generation/generation-facts.ts";
import { linkedVersions, readLinks } from "../../tools/generation/generation-links.ts";
import type { Quarantined } from "../../tools/generation/quarantine.ts";
import { describeVersions } from "../../tools/generation/trial.ts";
import { COMPONENTS, type Component, FILE, inRoot, PATH } from "../../tools/host/paths.ts";
import { messageOf } from "../../tools/text/errors.ts";
import { defineCheck, type Verdict } from "../doctor-check.ts";

/** The files of a version of each component. */
const FILES: Readonly<Record<Component, readonly string[]>> = {
  k3os: [FILE.executable, FILE.rootSquashfs],
  k3s: ["k3s"],
  kernel: [FILE.kernelSquashfs, FILE.initrd],
};

export const currentVersions = defineCheck({
  name: "versions",
  only: "installed",
  facts: (host) => {
    const system = inRoot(host, PATH.system);
    const links = readLinks(system);
    const damaged = COMPONENTS.flatMap((component) => {
      return damagedFiles(system, component, links[component].current);
    });
    const unlinked = COMPONENTS.filter((component) => {
      return links[component].current === undefined && existsSync(join(system, component));
    });
    return { current: linkedVersions(links, "current"), damaged, unlinked };
  },
  judge: judgeVersions,
});

/** Files of the current version of a component that are missing, empty, or truncated. */
function damagedFiles(system: string, component: Component, version: string | undefined): string[] {
  if (version === undefined) return [];
  return FILES[component].flatMap((name) => {
    const path = join(system, component, version, name);
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    const whole = size > 0 && (!name.endsWith(".squashfs") || size >= squashfsSize(path));
    return whole ? [] : [`${component}/${version}/${name}`];
  });
}

/** The size in bytes according to a squashfs image (its superblock, `bytes_used`); infinity if it is not one. */
function squashfsSize(path: string): number {
  const block = Buffer.alloc(48);
  const fd = openSync(path, "r");
  try {
    readSync(fd, block, 0, block.length, 0);
  } finally {
    closeSync(fd);
  }
  return block.toString("latin1", 0, 4) === "hsqs"
    ? Number(block.readBigUInt64LE(40))
    : Number.POSITIVE_INFINITY;
}

export interface VersionFacts {
  readonly current: Readonly<Partial<Record<Component, string>>>;
  readonly damaged: readonly string[];
  /** Components whose link `current` is broken. */
  readonly unlinked: readonly Component[];
}

export function judgeVersions({ current, damaged, unlinked }: VersionFacts): Verdict {
  const hint = "before any restart: k3os rollback, or k3os upgrade from a release";
  if (damaged.length > 0) return { state: "failure", message: `damaged: ${damaged.join(", ")}`, hint };
  if (unlinked.length > 0) {
    return { state: "failure", message: `no current version of ${unlinked.join(", ")}`, hint };
  }
  return { state: "ok", message: describeVersions(current) };
}

export const failedVersions = defineCheck({
  name: "upgrades",
  only: "installed",
  facts: (host) => {
    const system = inRoot(host, PATH.system);
    const { quarantine, damage } = readRecords(system);
    const problem = damage.trial ?? damage.quarantine;
    if (problem !== undefined) throw problem; // an invalid record is reported as such
    return quarantine;
  },
  judge: judgeQuarantine,
});

export function judgeQuarantine(failed: readonly Quarantined[]): Verdict {
  const last = failed.at(-1);
  if (last === undefined) return { state: "ok", message: "none has failed here" };
  const message = `${describeVersions(last.versions)} failed on ${last.at}: ${last.reason}`;
  return { state: "warning", message, hint: "see k3os status; newer releases are still tried" };
}

export const bootMenu = defineCheck({
  name: "boot menu",
  only: "installed",
  facts: (host) => {
    const directory = GRUB_DIRECTORIES.map((path) => inRoot(host, path)).find((path) => existsSync(path));
    // a board's own boot loader and kernel are not checked
    const isOurs = existsSync(join(inRoot(host, PATH.system), "kernel", release()));
    if (directory === undefined || !isOurs) return undefined;
    return {
      menu: readTextIfThere(join(directory, "grub.cfg")) ?? "",
      environment: environmentProblem(join(directory, "grubenv")),
    };
  },
  judge: judgeMenu,
});

function environmentProblem(path: string): string | undefined {
  try {
    parseEnvironment(readBounded(path).toString("latin1"));
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

export function judgeMenu({ menu, environment }: { menu: string; environment: string | undefined }): Verdict {
  const hint = "boot the installation medium and run k3os install --no-format, which keeps the data";
  const isWhole = /^menuentry "k3OS Current" \{$[\s\S]*^\}$/m.test(menu);
  if (!isWhole) return { state: "failure", message: "grub.cfg has no whole entry for k3OS", hint };
  if (!menu.includes(TRIAL_VARIABLE)) {
    return { state: "ok", message: "the original's: it does not know of upgrades on trial" };
  }
  if (environment !== undefined) {
    return {
      state: "failure",
      message: `grubenv: ${environment}`,
      hint: "grub-editenv FILE create, FILE being the grubenv beside grub.cfg",
    };
  }
  return { state: "ok", message: "whole" };
}
