import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { emptyEnvironment, parseEnvironment } from "../../../../lib/tools/disk/grubenv.ts";
import { readLinks } from "../../../../lib/tools/generation/generation-links.ts";
import { menuCounts, startsLeft } from "../../../../lib/tools/generation/start-count.ts";
import {
  changedVersions,
  changeGeneration,
  failTrial,
  finishTrial,
  partsOf,
  readTrial,
  revertGeneration,
} from "../../../../lib/tools/generation/trial.ts";
import { DAMAGES, damage } from "../../../support/damage.ts";
import { type TestHost, testHost } from "../../../support/host.ts";
import { addVersion, linksOf, makeSystem } from "../../../support/system-directory.ts";

let host: TestHost;
let system: string;

beforeEach(() => {
  host = testHost();
  system = makeSystem(host.root, { k3os: ["v2", "v1"], k3s: ["v1.30"], kernel: ["6.1", "6.0"] });
  addVersion(system, "k3os", "v3");
  addVersion(system, "kernel", "6.3");
  mkdirSync(join(host.root, "boot/grub"), { recursive: true });
  writeFileSync(join(host.root, "boot/grub/grubenv"), emptyEnvironment());
});
afterEach(() => host[Symbol.dispose]());

const NEW = { k3os: "v3", kernel: "6.3" };

function counter(): string | undefined {
  const block = readFileSync(join(host.root, "boot/grub/grubenv"), "latin1");
  return parseEnvironment(block).get("k3os_trial");
}

function change(wanted: Parameters<typeof partsOf>[1], kind: "upgrade" | "rollback" = "upgrade"): void {
  const parts = partsOf(readLinks(system), wanted);
  const since = "2030-01-01T00:00:00.000Z";
  changeGeneration(system, { kind, since, parts, keep: 0, tolerated: [], keepData: false }, host);
}

describe("changeGeneration()", () => {
  test("makes the generation before the previous one of every part, changed or not", () => {
    change(NEW);
    expect(linksOf(system)).toBe("k3os v3<v2, k3s v1.30<v1.30, kernel 6.3<6.1");
    expect(readTrial(system)).toMatchObject({ state: "trial", kind: "upgrade", left: 2 });
    expect(counter()).toBe("2");
    expect(changedVersions(readTrial(system)?.parts ?? [])).toEqual(NEW);
  });

  test("counts no starts of a rollback", () => {
    change({ k3os: "v1" }, "rollback");
    expect(counter()).toBeUndefined();
  });

  test("goes on without a boot menu of ours", () => {
    writeFileSync(join(host.root, "boot/grub/grubenv"), "something else\n");
    change(NEW);
    expect(linksOf(system)).toStartWith("k3os v3<v2");
    expect(host.logged.join()).toContain("Cannot record the new generation for the boot menu");
  });
});

describe("what follows a change", () => {
  test("revertGeneration() brings every link back as it was", () => {
    const before = linksOf(system);
    change({ ...NEW, k3s: "v1.31" });
    const trial = readTrial(system);
    if (trial === undefined) throw new Error("no trial");
    revertGeneration(system, trial, host);
    expect(linksOf(system)).toBe(before);
    expect([readTrial(system), counter()]).toEqual([undefined, undefined]);
  });

  test("finishTrial() keeps what is new", () => {
    change(NEW);
    finishTrial(system, host);
    expect(linksOf(system)).toBe("k3os v3<v2, k3s v1.30<v1.30, kernel 6.3<6.1");
    expect([readTrial(system), counter()]).toEqual([undefined, undefined]);
  });

  test("failTrial() leaves the boot menu no start of the new generation", () => {
    change(NEW);
    const trial = readTrial(system);
    if (trial === undefined) throw new Error("no trial");
    failTrial(system, trial, "unwell", host);
    expect([readTrial(system)?.state, readTrial(system)?.reason, counter()]).toEqual([
      "failed",
      "unwell",
      "0",
    ]);
  });
});

test.each([...DAMAGES, "a version that leads elsewhere"])(
  "in the place of the record, %s is refused, and set aside",
  (kind) => {
    const path = join(system, "trial.json");
    damage(path, kind);
    const elsewhere = { state: "trial", kind: "upgrade", parts: [{ component: "k3os", to: "../v1" }] };
    if (!DAMAGES.includes(kind)) writeFileSync(path, JSON.stringify(elsewhere));
    expect(() => readTrial(system)).toThrow(`Cannot read "${path}"`);
    finishTrial(system, host);
    expect(readTrial(system)).toBeUndefined();
    expect(existsSync(`${path}.damaged`)).toBe(true);
  },
);

test("a record of a version that wrote less of it is understood", () => {
  const parts = [{ component: "k3os", from: "v2", to: "v3" }];
  writeFileSync(join(system, "trial.json"), JSON.stringify({ state: "trial", kind: "upgrade", parts }));
  expect(readTrial(system)).toMatchObject({ left: 2, keepData: false, tolerated: [], started: false });
});

describe("the boot menu's count", () => {
  const MENU = "load_env k3os_trial\n";
  const block = () => join(host.root, "boot/grub/grubenv");

  test.each(["missing", "of another size", ...DAMAGES])("is begun anew where the block is %s", (kind) => {
    if (kind === "missing") rmSync(block());
    else if (kind === "of another size") writeFileSync(block(), "# GRUB Environment Block\nk3os_trial=0\n");
    else damage(block(), kind);
    writeFileSync(join(host.root, "boot/grub/grub.cfg"), MENU);
    change(NEW);
    expect([counter(), startsLeft(system), menuCounts(system)]).toEqual(["2", "2", true]);
    expect(readFileSync(block())).toHaveLength(1024);
    expect(existsSync(`${block()}.damaged`)).toBe(kind !== "missing");
  });

  test("is not made where the menu is none of ours", () => {
    damage(block(), "garbage");
    writeFileSync(join(host.root, "boot/grub/grub.cfg"), "menuentry Debian {}\n");
    change(NEW);
    expect([startsLeft(system), menuCounts(system)]).toEqual([undefined, false]);
    expect(linksOf(system)).toStartWith("k3os v3<v2");
  });
});
