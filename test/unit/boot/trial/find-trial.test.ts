import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { BootHost } from "../../../../lib/boot/boot-host.ts";
import type { MenuChoice } from "../../../../lib/boot/mode.ts";
import { settleGeneration } from "../../../../lib/boot/trial/choose-generation.ts";
import { emptyEnvironment } from "../../../../lib/tools/disk/grubenv.ts";
import { readLinks } from "../../../../lib/tools/generation/generation-links.ts";
import { readQuarantine } from "../../../../lib/tools/generation/quarantine.ts";
import { startsLeft } from "../../../../lib/tools/generation/start-count.ts";
import { changeGeneration, partsOf, readTrial } from "../../../../lib/tools/generation/trial.ts";
import { DAMAGES, damage } from "../../../support/damage.ts";
import { type TestHost, testHost } from "../../../support/host.ts";
import { addVersion, linksOf, makeSystem } from "../../../support/system-directory.ts";

const OLD = "k3os v2<v1, k3s v1.30<-, kernel 6.1<6.0";
const NEW = "k3os v3<v2, k3s v1.31<v1.30, kernel 6.3<6.1";
const SWAPPED = "k3os v2<v3, k3s v1.30<v1.31, kernel 6.1<6.3";
/** Of a record that is lost, nobody knows where `previous` led to before. */
const BACK = "k3os v2<-, k3s v1.30<-, kernel 6.1<-";
const DATABASE = "k3os/data/var/lib/rancher/k3s/server/db/state.db";

let host: TestHost;
let system: string;

beforeEach(() => {
  host = testHost();
  system = makeSystem(host.root, { k3os: ["v2", "v1"], k3s: ["v1.30"], kernel: ["6.1", "6.0"] });
  addVersion(system, "k3os", "v3");
  addVersion(system, "k3s", "v1.31");
  addVersion(system, "kernel", "6.3");
  put("boot/grub/grubenv", emptyEnvironment());
  put(DATABASE, "data of v1.30");
});
afterEach(() => host[Symbol.dispose]());

function put(path: string, text: string): void {
  mkdirSync(dirname(join(host.root, path)), { recursive: true });
  writeFileSync(join(host.root, path), text);
}
const settle = (choice?: MenuChoice) => settleGeneration(host.root, choice, host as unknown as BootHost);

/** An upgrade that was started once, and has changed the datastore. */
function upgrade(): void {
  expect(linksOf(system)).toBe(OLD);
  const parts = partsOf(readLinks(system), { k3os: "v3", k3s: "v1.31", kernel: "6.3" });
  const options = { since: "2030", keep: 0, tolerated: [], keepData: false };
  changeGeneration(system, { kind: "upgrade", parts, ...options }, host);
  settle("trial");
  put(DATABASE, "data of v1.31");
}

describe.each(DAMAGES)("where %s is in the place of the record,", (kind) => {
  beforeEach(() => {
    upgrade();
    damage(join(system, "trial.json"), kind);
  });

  function expectToldAndAside(): void {
    const path = join(system, "trial.json");
    expect(host.logged.join()).toContain(`Cannot read "${path}"`);
    expect(existsSync(`${path}.damaged`)).toBe(true);
  }

  test.each(["fallback", "previous"] as const)("the menu's %s brings all parts back", (choice) => {
    expect(settle(choice)).toBe(false);
    expect([linksOf(system), readTrial(system)]).toEqual([BACK, undefined]);
    expect(readFileSync(join(host.root, DATABASE), "utf8")).toBe("data of v1.30");
    expect(readQuarantine(system)[0]?.versions).toEqual({ k3os: "v3", k3s: "v1.31", kernel: "6.3" });
    expect(startsLeft(system)).toBeUndefined();
    expectToldAndAside();
  });

  test("a start on trial goes on, and the next one has a record", () => {
    expect(settle("trial")).toBe(false);
    expect(linksOf(system)).toBe(NEW);
    expect(readTrial(system)).toMatchObject({ state: "trial", started: true, left: 0 });
    expectToldAndAside();
    expect(settle("fallback")).toBe(false);
    expect(linksOf(system)).toBe(BACK);
  });

  test("without a boot menu of ours there is one more start, and then the way back", () => {
    rmSync(join(host.root, "boot"), { recursive: true });
    expect(settle()).toBe(false);
    expect(linksOf(system)).toBe(NEW);
    expect(settle()).toBe(true);
    expect(linksOf(system)).toBe(BACK);
  });

  test("and nothing is on trial, the menu's entry Previous starts the previous versions", () => {
    put("boot/grub/grubenv", emptyEnvironment());
    expect(settle("previous")).toBe(false);
    expect([linksOf(system), readTrial(system)]).toEqual([SWAPPED, undefined]);
    expectToldAndAside();
  });

  test("and nothing is on trial, what is current is started", () => {
    put("boot/grub/grubenv", emptyEnvironment());
    expect(settle()).toBe(false);
    expect([linksOf(system), readTrial(system)]).toEqual([NEW, undefined]);
    expectToldAndAside();
  });
});

test.each(DAMAGES)("a quarantine that is %s does not keep a start from falling back", (kind) => {
  upgrade();
  damage(join(system, "quarantine.json"), kind);
  expect(settle("fallback")).toBe(false);
  expect(linksOf(system)).toBe(OLD);
  expect(readQuarantine(system)).toHaveLength(1);
  expect(existsSync(join(system, "quarantine.json.damaged"))).toBe(true);
});
