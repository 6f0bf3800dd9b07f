import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { BootHost } from "../../lib/boot/boot-host.ts";
import type { MenuChoice } from "../../lib/boot/mode.ts";
import { settleGeneration } from "../../lib/boot/trial/choose-generation.ts";
import { emptyEnvironment, parseEnvironment } from "../../lib/tools/disk/grubenv.ts";
import { readGenerations } from "../../lib/tools/generation/generation-facts.ts";
import { readTrial } from "../../lib/tools/generation/trial.ts";
import { COMPONENTS } from "../../lib/tools/host/paths.ts";
import { upgradeSystem } from "../../lib/upgrade/from-directory.ts";
import { applyRollback, planRollback } from "../../lib/upgrade/rollback-plan.ts";
import { type TestHost, testHost } from "../support/host.ts";
import { k3sAnswer } from "../support/k3s-program.ts";
import {
  everyPrefix,
  type PowerCut,
  type Recording,
  readAsGrub,
  recordWrites,
} from "../support/power-cut.ts";
import { bytesOf, contentOf, linksOf, makeSystem } from "../support/system-directory.ts";

/** Power cuts that are looked at, of one recording. */
const AT_MOST = 60;
const OLD = { k3os: "v2", k3s: "v1.30.0+k3s1", kernel: "6.1" } as const;
const NEW = { k3os: "v3", k3s: "v1.31.0+k3s1", kernel: "6.3" } as const;
const BEFORE = { k3os: "v1", k3s: "v1.29.0+k3s1", kernel: "6.0" } as const;
const SYSTEM = "k3os/system";
const ENVIRONMENT = "/boot/grub/grubenv";
const DATABASE = "k3os/data/var/lib/rancher/k3s/server/db/state.db";

const REPLACED = `k3os/data/var/lib/rancher/k3os/datastore/replaced-${NEW.k3s}/state.db`;

let host: TestHost;
let source: string;

beforeAll(() => {
  host = testHost({ answer: k3sAnswer });
  source = makeSystem(host.root, { k3os: [NEW.k3os], k3s: [NEW.k3s], kernel: [NEW.kernel] });
});
afterAll(() => host[Symbol.dispose]());

const settle = (root: string, choice?: MenuChoice) =>
  settleGeneration(root, choice, host as unknown as BootHost);

function prepare(root: string): void {
  makeSystem(root, {
    k3os: [OLD.k3os, BEFORE.k3os],
    k3s: [OLD.k3s, BEFORE.k3s],
    kernel: [OLD.kernel, BEFORE.kernel],
  });
  for (const [path, text] of [
    [ENVIRONMENT, emptyEnvironment()],
    [DATABASE, "the datastore\n"],
  ] as const) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

async function upgrade(root: string): Promise<void> {
  const settings = { components: COMPONENTS, source, destination: join(root, SYSTEM), keep: 9 };
  const options = { remount: false, dryRun: false, force: true, allowSkew: false, keepData: false };
  await upgradeSystem(settings, options, host);
}

function rollback(root: string): void {
  const system = join(root, SYSTEM);
  applyRollback(system, planRollback(readGenerations(system)), { keepData: false }, host);
}

/** The kernel that GRUB would start through a link, by what both its files say; undefined where it cannot read them. */
function kernelForGrub(image: string, link: "current" | "previous"): string | undefined {
  const read = (name: string) => readAsGrub(image, `/k3os/system/kernel/${link}/${name}`)?.toString();
  const [kernel, initrd] = [read("kernel.squashfs"), read("initrd")];
  return [OLD, NEW, BEFORE]
    .map((versions) => versions.kernel)
    .find((version) => {
      return kernel === contentOf("kernel.squashfs", version) && initrd === contentOf("initrd", version);
    });
}

function trialForGrub(image: string): string | undefined {
  return parseEnvironment(readAsGrub(image, ENVIRONMENT)?.toString("latin1") ?? "").get("k3os_trial");
}

/** All parts of one generation, each whole. */
function expectWhole(root: string, one: typeof OLD | typeof NEW): void {
  const system = join(root, SYSTEM);
  for (const component of COMPONENTS) {
    const version = one[component];
    expect([component, linksOf(system)]).toEqual([
      component,
      expect.stringContaining(`${component} ${version}<`),
    ]);
    const directory = join(system, component, "current");
    for (const name of readdirSync(directory)) {
      expect(readFileSync(join(directory, name))).toEqual(bytesOf(name, version));
    }
  }
}

/** Says how many cuts were looked at, and what was wrong at which of them. */
async function badCuts(
  recording: Recording,
  check: (cut: PowerCut) => Promise<void> | void,
): Promise<{ readonly looked: number; readonly bad: readonly string[] }> {
  const bad: string[] = [];
  let looked = 0;
  for (const cut of everyPrefix(recording, { atMost: AT_MOST })) {
    looked++;
    try {
      await check(cut);
    } catch (error) {
      bad.push(`after ${cut.writes} of ${recording.writes.length} writes: ${(error as Error).message}`);
    }
  }
  return { looked, bad };
}

describe.each([
  ["calm", false],
  ["restless", true],
] as const)("a power cut on a %s disk", (_, restless) => {
  test("while an upgrade runs leaves the old generation or the new one, and the next upgrade succeeds", async () => {
    using recording = await recordWrites({ prepare, restless, until: "unmounted" }, upgrade);
    const { looked, bad } = await badCuts(recording, async ({ image, root }) => {
      const [current, previous, trial] = [
        kernelForGrub(image, "current"),
        kernelForGrub(image, "previous"),
        trialForGrub(image),
      ];
      expect([OLD.kernel, NEW.kernel]).toContain(current as never);
      // a new kernel is never started without its starts being counted, and a way back
      if (current === NEW.kernel) expect([trial, previous]).toEqual(["2", OLD.kernel]);
      settle(root, trial === undefined ? undefined : "trial");
      const system = join(root, SYSTEM);
      const isNew = readTrial(system) !== undefined;
      expectWhole(root, isNew ? NEW : OLD);
      if (isNew) {
        settle(root, "fallback");
        expectWhole(root, OLD);
      }
      await upgrade(root);
      expectWhole(root, NEW);
      const names = COMPONENTS.flatMap((component) => readdirSync(join(system, component)));
      expect(names.filter((name) => name.includes("partial"))).toEqual([]);
    });
    expect(bad).toEqual([]);
    expect(looked).toBeGreaterThan(15);
  }, 120_000);

  test("while versions are rolled back leaves one generation or the other, and the datastore with it", async () => {
    const upgraded = async (root: string) => {
      prepare(root);
      await upgrade(root);
      settle(root, "trial"); // keeps the datastore as it was
      writeFileSync(join(root, DATABASE), "changed by the new version\n");
    };
    const work = (root: string) => {
      rollback(root);
      settle(root, undefined);
    };
    using recording = await recordWrites({ prepare: upgraded, restless, until: "unmounted" }, work);
    const { looked, bad } = await badCuts(recording, ({ image, root }) => {
      expect([OLD.kernel, NEW.kernel]).toContain(kernelForGrub(image, "current") as never);
      settle(root, "fallback");
      expectWhole(root, OLD);
      expect(readFileSync(join(root, DATABASE), "utf8")).toBe("the datastore\n");
      expect(readFileSync(join(root, REPLACED), "utf8")).toBe("changed by the new version\n");
    });
    expect(bad).toEqual([]);
    expect(looked).toBeGreaterThan(5);
  }, 120_000);
});
