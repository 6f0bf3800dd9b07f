import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { BootHost } from "../../lib/boot/boot-host.ts";
import type { MenuChoice } from "../../lib/boot/mode.ts";
import { NoWayBack } from "../../lib/boot/no-way-back.ts";
import { settleGeneration } from "../../lib/boot/trial/choose-generation.ts";
import { emptyEnvironment } from "../../lib/tools/disk/grubenv.ts";
import { readLinks } from "../../lib/tools/generation/generation-links.ts";
import { startsLeft } from "../../lib/tools/generation/start-count.ts";
import { changeGeneration, failTrial, partsOf, readTrial } from "../../lib/tools/generation/trial.ts";
import { damage } from "../support/damage.ts";
import { type TestHost, testHost } from "../support/host.ts";
import { type Lack, mountSmallDisk, type SmallDisk } from "../support/small-disk.ts";
import { addVersion, linksOf, makeSystem } from "../support/system-directory.ts";

/**
 * Starts of a machine whose state file system has nothing left to give, or cannot be written to: the same code as in the
 * initrd, on a real file system.
 */
const OLD = "k3os v2<v1, k3s v1.30<v1.29, kernel 6.1<6.0";
const NEW = "k3os v3<v2, k3s v1.31<v1.30, kernel 6.3<6.1";
const DATABASE = "k3os/data/var/lib/rancher/k3s/server/db/state.db";
const LACKS: readonly Lack[] = ["no free block", "no free inode", "neither block nor inode"];

interface Node extends Disposable {
  readonly disk: SmallDisk;
  readonly system: string;
  readonly host: TestHost;
  readonly settle: (choice?: MenuChoice) => boolean;
  readonly data: () => string;
}

function makeNode(): Node {
  const disk = mountSmallDisk({}, prepare);
  const host = testHost();
  return {
    disk,
    system: join(disk.root, "k3os/system"),
    host,
    settle: (choice) => settleGeneration(disk.root, choice, host as unknown as BootHost),
    data: () => readFileSync(join(disk.root, DATABASE), "utf8"),
    [Symbol.dispose]: () => {
      host[Symbol.dispose]();
      disk[Symbol.dispose]();
    },
  };
}

function prepare(root: string): void {
  const system = makeSystem(root, { k3os: ["v2", "v1"], k3s: ["v1.30", "v1.29"], kernel: ["6.1", "6.0"] });
  addVersion(system, "k3os", "v3");
  addVersion(system, "k3s", "v1.31");
  addVersion(system, "kernel", "6.3");
  for (const [path, text] of [
    ["boot/grub/grubenv", emptyEnvironment()],
    [DATABASE, "data of v1.30"],
  ] as const) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

function upgrade({ system, host }: Node): void {
  const parts = partsOf(readLinks(system), { k3os: "v3", k3s: "v1.31", kernel: "6.3" });
  const options = { since: "2030", keep: 0, tolerated: [], keepData: false };
  changeGeneration(system, { kind: "upgrade", parts, ...options }, host);
}

function startOnce(node: Node): void {
  upgrade(node);
  expect(node.settle("trial")).toBe(false);
  writeFileSync(join(node.disk.root, DATABASE), "data of v1.31");
}

describe.each(LACKS)("with %s", (lack) => {
  test.each(["fallback", "previous"] as const)("the menu's %s goes back to all parts", (choice) => {
    using node = makeNode();
    startOnce(node);
    node.disk.fill(lack);
    expect(node.settle(choice)).toBe(false);
    expect([linksOf(node.system), node.data()]).toEqual([OLD, "data of v1.30"]);
    expect([readTrial(node.system), startsLeft(node.system)]).toEqual([undefined, undefined]);
  });

  test.each([undefined, "trial"] as const)("what could not be counted is not tried (%s)", (choice) => {
    using node = makeNode();
    upgrade(node);
    node.disk.fill(lack);
    expect(node.settle(choice)).toBe(true);
    expect([linksOf(node.system), node.data()]).toEqual([OLD, "data of v1.30"]);
    expect([readTrial(node.system), startsLeft(node.system)]).toEqual([undefined, undefined]);
    expect(node.settle()).toBe(false);
  });

  test("an unhealthy machine tells the boot menu at least, and goes back", () => {
    using node = makeNode();
    startOnce(node);
    node.disk.fill(lack);
    const trial = readTrial(node.system);
    if (trial === undefined) throw new Error("Nothing is on trial");
    failTrial(node.system, trial, "unwell", node.host);
    expect(startsLeft(node.system)).toBe("0");
    node.settle("fallback");
    expect(linksOf(node.system)).toBe(OLD);
  });

  test("a record that is damaged is no hindrance either", () => {
    using node = makeNode();
    startOnce(node);
    damage(join(node.system, "trial.json"), "NUL bytes");
    node.disk.fill(lack);
    expect(node.settle("fallback")).toBe(false);
    expect(linksOf(node.system)).toStartWith("k3os v2<");
    expect([node.data(), readTrial(node.system)]).toEqual(["data of v1.30", undefined]);
  });

  test("the menu's entry Previous starts the previous versions", () => {
    using node = makeNode();
    node.disk.fill(lack);
    expect(node.settle("previous")).toBe(false);
    expect(linksOf(node.system)).toBe("k3os v1<v2, k3s v1.29<v1.30, kernel 6.0<6.1");
  });
});

describe("where nothing can be written", () => {
  test.each([undefined, "trial", "fallback", "previous"] as const)(
    "there is no way back (%s), and no start again",
    (choice) => {
      using node = makeNode();
      startOnce(node);
      node.disk.makeReadOnly();
      expect(() => node.settle(choice)).toThrow(NoWayBack);
      expect([linksOf(node.system), existsSync(join(node.system, "trial.json"))]).toEqual([NEW, true]);
    },
  );

  test("a start with nothing on trial goes on", () => {
    using node = makeNode();
    node.disk.makeReadOnly();
    expect(node.settle()).toBe(false);
    expect(linksOf(node.system)).toBe(OLD);
  });
});
