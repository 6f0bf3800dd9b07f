import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { emptyEnvironment, parseEnvironment } from "../../../lib/disk/grubenv.ts";
import {
  addQuarantined,
  changedVersions,
  changeGeneration,
  failTrial,
  findQuarantined,
  finishTrial,
  partsOf,
  readTrial,
  revertGeneration,
} from "../../../lib/generation/trial.ts";
import { type TestHost, testHost } from "../../support/host.ts";
import { addVersion, linksOf, makeSystem } from "../../support/system-directory.ts";

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
  const parts = partsOf(system, wanted);
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
    expect(host.logged.join()).toContain("The boot menu cannot be told");
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

describe("the quarantine", () => {
  test("holds what an upgrade brought, together, and nothing else", () => {
    addQuarantined(system, { versions: NEW, reason: "unwell", at: "2030" });
    expect(findQuarantined(system, { ...NEW, k3s: "v1.30" })?.reason).toBe("unwell");
    expect(findQuarantined(system, { k3os: "v4", kernel: "6.3" })).toBeUndefined();
    expect(findQuarantined(system, { k3os: "v3", kernel: "6.1" })).toBeUndefined();
  });

  test("forgets the oldest of more than twenty", () => {
    for (let n = 0; n < 25; n++) {
      addQuarantined(system, { versions: { k3os: `v${n}` }, reason: "", at: "" });
    }
    expect(findQuarantined(system, { k3os: "v4" })).toBeUndefined();
    expect(findQuarantined(system, { k3os: "v5" })).toBeDefined();
  });
});

test.each(["{", "[]", '{"state":"trial","parts":[{"component":"k3os","to":"../v1"}]}'])(
  "readTrial() refuses %s",
  (text) => {
    writeFileSync(join(system, "trial.json"), text);
    expect(() => readTrial(system)).toThrow("Cannot read");
  },
);
