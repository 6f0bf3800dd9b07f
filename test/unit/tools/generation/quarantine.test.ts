import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  addQuarantined,
  findQuarantined,
  readQuarantine,
} from "../../../../lib/tools/generation/quarantine.ts";
import { DAMAGES, damage } from "../../../support/damage.ts";
import { type TestHost, testHost } from "../../../support/host.ts";
import { makeSystem } from "../../../support/system-directory.ts";

const NEW = { k3os: "v3", kernel: "6.3" };

let host: TestHost;
let system: string;

beforeEach(() => {
  host = testHost();
  system = makeSystem(host.root, { k3os: ["v2"] });
});
afterEach(() => host[Symbol.dispose]());

describe("the quarantine", () => {
  test("holds what an upgrade brought, together, and nothing else", () => {
    addQuarantined(system, { versions: NEW, reason: "unwell", at: "2030" }, host);
    const failed = readQuarantine(system);
    expect(findQuarantined(failed, { ...NEW, k3s: "v1.30" })?.reason).toBe("unwell");
    expect(findQuarantined(failed, { k3os: "v4", kernel: "6.3" })).toBeUndefined();
    expect(findQuarantined(failed, { k3os: "v3", kernel: "6.1" })).toBeUndefined();
  });

  test("forgets the oldest of more than twenty", () => {
    for (let n = 0; n < 25; n++) {
      addQuarantined(system, { versions: { k3os: `v${n}` }, reason: "", at: "" }, host);
    }
    const failed = readQuarantine(system);
    expect(findQuarantined(failed, { k3os: "v4" })).toBeUndefined();
    expect(findQuarantined(failed, { k3os: "v5" })).toBeDefined();
  });

  test.each(DAMAGES)("in whose place there is %s holds nothing, says so, and is begun anew", (kind) => {
    const path = join(system, "quarantine.json");
    damage(path, kind);
    expect(() => readQuarantine(system)).toThrow(`Cannot read "${path}"`);
    addQuarantined(system, { versions: NEW, reason: "unwell", at: "2030" }, host);
    expect(readQuarantine(system)).toHaveLength(1);
    expect(existsSync(`${path}.damaged`)).toBe(true);
    expect(host.logged.join()).toContain(`kept as "${path}.damaged"`);
  });
});
