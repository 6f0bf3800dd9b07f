import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { BootHost } from "../../../../lib/boot/boot-host.ts";
import type { MenuChoice } from "../../../../lib/boot/mode.ts";
import { settleGeneration } from "../../../../lib/boot/trial/choose-generation.ts";
import { emptyEnvironment, parseEnvironment, setVariable } from "../../../../lib/tools/disk/grubenv.ts";
import { readLinks, setLinks } from "../../../../lib/tools/generation/generation-links.ts";
import { readQuarantine } from "../../../../lib/tools/generation/quarantine.ts";
import {
  changeGeneration,
  failTrial,
  partsOf,
  readTrial,
  type Trial,
  writeTrial,
} from "../../../../lib/tools/generation/trial.ts";
import { COMPONENTS } from "../../../../lib/tools/host/paths.ts";
import { type TestHost, testHost } from "../../../support/host.ts";
import { addVersion, linksOf, makeSystem } from "../../../support/system-directory.ts";

const OLD = "k3os v2<v1, k3s v1.30<v1.29, kernel 6.1<6.0";
const NEW = "k3os v3<v2, k3s v1.31<v1.30, kernel 6.3<6.1";
const DATABASE = "k3os/data/var/lib/rancher/k3s/server/db/state.db";
const FAILED = "k3os/data/var/lib/rancher/k3os/failed/v3.boot.log";
const JOURNAL = "k3os/data/var/lib/rancher/k3os/boot/boot.log";

let host: TestHost;
let system: string;

beforeEach(() => {
  host = testHost();
  system = makeSystem(host.root, { k3os: ["v2", "v1"], k3s: ["v1.30", "v1.29"], kernel: ["6.1", "6.0"] });
  addVersion(system, "k3os", "v3");
  addVersion(system, "k3s", "v1.31");
  addVersion(system, "kernel", "6.3");
  put("boot/grub/grubenv", emptyEnvironment());
  put(DATABASE, "data of v1.30");
  put(JOURNAL, "journal of the start before\n");
});
afterEach(() => host[Symbol.dispose]());

function put(path: string, text: string): void {
  mkdirSync(dirname(join(host.root, path)), { recursive: true });
  writeFileSync(join(host.root, path), text);
}
const read = (path: string) => readFileSync(join(host.root, path), "utf8");
const settle = (choice?: MenuChoice) => settleGeneration(host.root, choice, host as unknown as BootHost);

function upgrade(more: Partial<Trial> = {}): Trial {
  const parts = partsOf(readLinks(system), { k3os: "v3", k3s: "v1.31", kernel: "6.3" });
  changeGeneration(
    system,
    { kind: "upgrade", since: "2030", parts, keep: 0, tolerated: [], keepData: false },
    host,
  );
  const trial = { ...(readTrial(system) as Trial), ...more };
  writeTrial(system, trial);
  return trial;
}

describe("a start", () => {
  test("with nothing on trial changes nothing", () => {
    expect(settle()).toBe(false);
    expect(linksOf(system)).toBe(OLD);
  });

  test("of a change that was interrupted takes it back, and restarts for the old kernel", () => {
    upgrade({ state: "switching" });
    expect(settle("trial")).toBe(true);
    expect(linksOf(system)).toBe(OLD);
    expect(readTrial(system)).toBeUndefined();
    expect(readQuarantine(system)).toEqual([]);
  });

  test("on trial runs what is new, and keeps the datastore as it was", () => {
    upgrade();
    expect(settle("trial")).toBe(false);
    expect(linksOf(system)).toBe(NEW);
    put(DATABASE, "data of v1.31");
    expect(settle("trial")).toBe(false); // the second start keeps the first one's copy
    expect(read("k3os/data/var/lib/rancher/k3os/datastore/v1.30/state.db")).toBe("data of v1.30");
  });

  test("for the first time takes no older copy for that of the datastore as it is now", () => {
    put("k3os/data/var/lib/rancher/k3os/datastore/v1.30/state.db", "data of last year");
    upgrade();
    settle("trial");
    put(DATABASE, "data of v1.31");
    settle("fallback");
    expect(read(DATABASE)).toBe("data of v1.30");
  });

  test("whose datastore cannot be kept is none: nothing is put back, the old generation runs", () => {
    upgrade();
    rmSync(join(host.root, "k3os/data/var/lib/rancher/k3os"), { recursive: true });
    put("k3os/data/var/lib/rancher/k3os", "a file where the directory should be");
    expect(settle("trial")).toBe(true);
    expect(linksOf(system)).toBe(OLD);
    expect(readQuarantine(system)[0]?.reason).toContain("the datastore of k3s could not be kept");
    expect(read(DATABASE)).toBe("data of v1.30");
  });

  test.each([undefined, "trial"] as const)("is counted by the record, if the menu says %j", (choice) => {
    upgrade();
    for (const left of [1, 0]) {
      expect(settle(choice)).toBe(false);
      expect([readTrial(system)?.left, linksOf(system)]).toEqual([left, NEW]);
    }
    // also where the menu cannot write its own count
    expect(settle(choice)).toBe(true);
    expect(linksOf(system)).toBe(OLD);
  });
});

describe("a fallback", () => {
  test("of the boot menu goes back to all parts, notes the failure, and restores the datastore", () => {
    upgrade();
    settle("trial");
    put(DATABASE, "data of v1.31");
    put(`${DATABASE}-wal`, "journal of v1.31");
    expect(settle("fallback")).toBe(false); // GRUB has started the old kernel already
    expect(linksOf(system)).toBe(OLD);
    expect(readQuarantine(system)).toEqual([
      {
        versions: { k3os: "v3", k3s: "v1.31", kernel: "6.3" },
        reason: "it was started, but never found healthy",
        at: expect.any(String),
      },
    ]);
    expect(read(DATABASE)).toBe("data of v1.30");
    expect(existsSync(join(host.root, `${DATABASE}-wal`))).toBe(false);
    expect(read("k3os/data/var/lib/rancher/k3os/datastore/replaced-v1.31/state.db-wal")).toBe(
      "journal of v1.31",
    );
    expect(read(FAILED)).toBe("journal of the start before\n");
  });

  test("that fails keeps the journal whole, in the place of an earlier one that may be cut off", () => {
    upgrade();
    put(FAILED, "jour");
    linkSync(join(host.root, FAILED), join(host.root, "earlier"));
    settle("fallback");
    expect([read(FAILED), read("earlier")]).toEqual(["journal of the start before\n", "jour"]);
  });

  test("to a kernel that could be loaded, where the new one could not", () => {
    upgrade();
    expect(settle("previous")).toBe(false);
    expect(linksOf(system)).toBe(OLD);
    expect(readQuarantine(system)[0]?.reason).toContain("its kernel could not be started");
  });

  test("after a health check has failed gives its reason", () => {
    failTrial(system, upgrade(), "k3s: not ready", host);
    expect(parseEnvironment(read("boot/grub/grubenv")).get("k3os_trial")).toBe("0");
    settle("fallback");
    expect(readQuarantine(system)[0]?.reason).toBe("k3s: not ready");
    expect(parseEnvironment(read("boot/grub/grubenv")).size).toBe(0);
  });

  test("of what no start has tried leaves the datastore alone, whatever copies there are", () => {
    put("k3os/data/var/lib/rancher/k3os/datastore/v1.30/state.db", "data of last year");
    upgrade();
    settle("fallback");
    expect(read(DATABASE)).toBe("data of v1.30");
  });

  test("leaves the datastore where that was wished", () => {
    upgrade({ keepData: true });
    settle("trial");
    put(DATABASE, "data of v1.31");
    settle("fallback");
    expect(read(DATABASE)).toBe("data of v1.31");
    expect(existsSync(join(host.root, "k3os/data/var/lib/rancher/k3os/datastore/v1.30"))).toBe(false);
  });
});

describe("a rollback", () => {
  test("that was ordered is done at the next start, datastore included", () => {
    upgrade();
    settle("trial");
    put(DATABASE, "data of v1.31");
    const parts = partsOf(readLinks(system), { k3os: "v2", k3s: "v1.30", kernel: "6.1" });
    changeGeneration(
      system,
      { kind: "rollback", since: "2030", parts, keep: 0, tolerated: [], keepData: false },
      host,
    );
    expect(settle()).toBe(false);
    expect(linksOf(system)).toBe("k3os v2<v3, k3s v1.30<v1.31, kernel 6.1<6.3");
    expect([read(DATABASE), readTrial(system)]).toEqual(["data of v1.30", undefined]);
  });

  test("is also what the menu's entry Previous means", () => {
    expect(settle("previous")).toBe(false);
    expect(linksOf(system)).toBe("k3os v1<v2, k3s v1.29<v1.30, kernel 6.0<6.1");
    expect(readTrial(system)).toBeUndefined();
  });
});

test("a record does not count when others have changed the links since", () => {
  upgrade();
  setLinks(system, [{ component: "k3os", name: "current", version: "v1" }]);
  put(DATABASE, "data of today");
  expect(settle()).toBe(false);
  expect([readTrial(system), read(DATABASE)]).toEqual([undefined, "data of today"]);
  expect(linksOf(system)).toStartWith("k3os v1<v2");
});

describe("a fallback that was cut off", () => {
  test.each([
    ["between its links", "failed", 1],
    ["between its links, when there was no room for the record", "trial", 1],
    ["behind its links", "failed", 3],
  ] as const)("%s is finished by the next start", (_, state, done) => {
    upgrade();
    settle("trial");
    writeTrial(system, { ...(readTrial(system) as Trial), state, reason: "unwell" });
    const back = { k3os: "v2", k3s: "v1.30", kernel: "6.1" } as const;
    for (const component of COMPONENTS.slice(0, done)) {
      setLinks(system, [{ component, name: "current", version: back[component] }]);
    }
    settle("trial");
    expect(linksOf(system)).toBe(OLD);
    expect(readQuarantine(system)[0]?.reason).toBe("unwell");
    expect(readTrial(system)).toBeUndefined();
  });

  test("while it put the datastore back is finished, whatever the record says", () => {
    upgrade();
    settle("trial");
    put(DATABASE, "data of v1.31");
    settle("fallback");
    const snapshots = "k3os/data/var/lib/rancher/k3os/datastore";
    mkdirSync(join(host.root, snapshots, "v1.30.returning"));
    renameSync(join(host.root, DATABASE), join(host.root, snapshots, "v1.30.returning/state.db"));
    settle();
    expect(read(DATABASE)).toBe("data of v1.30");
    expect(readdirSync(join(host.root, snapshots))).toEqual(["replaced-v1.31"]);
  });
});

test("the count of the boot menu without a record is taken away, and its kernel does not stay", () => {
  const block = () => parseEnvironment(read("boot/grub/grubenv"));
  setVariable(join(host.root, "boot/grub/grubenv"), "k3os_trial", "0");
  expect(settle("fallback")).toBe(true); // GRUB has started kernel 6.0
  expect([linksOf(system), block().size]).toEqual([OLD, 0]);
  rmSync(join(host.root, "boot/grub/grubenv"));
  expect(settle("fallback")).toBe(false); // it could not be taken away: the next start would be this one again
});
