import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { grubConfig } from "../../../lib/tools/disk/grub.ts";
import { addQuarantined } from "../../../lib/tools/generation/quarantine.ts";
import { changedVersions, readTrial, type Trial, writeTrial } from "../../../lib/tools/generation/trial.ts";
import type { CopySettings } from "../../../lib/upgrade/copy-settings.ts";
import { type UpgradeOptions, upgradeSystem } from "../../../lib/upgrade/from-directory.ts";
import { type TestHost, testHost } from "../../support/host.ts";
import { k3sAnswer, k3sProgram } from "../../support/k3s-program.ts";
import { linksOf, makeSystem } from "../../support/system-directory.ts";

const OPTIONS: UpgradeOptions = {
  remount: false,
  dryRun: false,
  force: false,
  allowSkew: false,
  keepData: false,
};
const OLD = "k3os v2<v1, k3s v1.30.0<v1.29.0, kernel 6.1<6.0";
const NEW = "k3os v3<v2, k3s v1.31.0<v1.30.0, kernel 6.3<6.1";

let host: TestHost;
let image: TestHost;
let system: string;
let source: string;

beforeEach(() => {
  host = testHost({ answer: k3sAnswer });
  image = testHost();
  system = makeSystem(host.root, { k3os: ["v2", "v1"], k3s: ["v1.30.0", "v1.29.0"], kernel: ["6.1", "6.0"] });
  source = makeSystem(image.root, { k3os: ["v3"], k3s: ["v1.31.0"], kernel: ["6.3"] });
});
afterEach(() => {
  host[Symbol.dispose]();
  image[Symbol.dispose]();
});

function upgrade(more: Partial<CopySettings & UpgradeOptions> = {}): Promise<boolean> {
  const { remount, dryRun, force, allowSkew, keepData, ...settings } = { ...OPTIONS, ...more };
  const all = { components: ["k3os", "k3s", "kernel"] as const, source, destination: system, keep: 0 };
  return upgradeSystem({ ...all, ...settings }, { remount, dryRun, force, allowSkew, keepData }, host);
}

/** The machine has started what is on trial. */
function start(): Trial {
  const trial = readTrial(system);
  if (trial === undefined) throw new Error("nothing is on trial");
  writeTrial(system, { ...trial, started: true });
  return trial;
}

describe("upgradeSystem()", () => {
  const k3s = () => join(source, "k3s/v1.31.0/k3s");

  test.each([
    ["is no program", () => writeFileSync(k3s(), "#!/bin/sh\nexit 1\n"), "expected an ELF program, found"],
    [
      "is for another machine",
      () => writeFileSync(k3s(), k3sProgram("v1.31.0", { arch: "arm64" })),
      "it is for arm64",
    ],
    ["is truncated", () => writeFileSync(k3s(), k3sProgram("v1.31.0").subarray(0, 150)), "it is truncated"],
    ["is missing", () => rmSync(k3s()), "no such file"],
  ])("changes nothing if the k3s %s", async (_, damage, reason) => {
    damage();
    await expect(upgrade()).rejects.toThrow(reason);
    expect(linksOf(system)).toBe(OLD);
    expect(existsSync(join(system, "k3os/v3"))).toBe(false);
  });

  test("changes nothing if the k3s prints another version than its directory has, or none", async () => {
    using other = testHost({ answer: () => ({ stdout: "k3s version v1.31.1 (12345678)\n" }) });
    const all = { components: ["k3s"] as const, source, destination: system, keep: 0 };
    await expect(upgradeSystem(all, OPTIONS, other)).rejects.toThrow("expected v1.31.0, found v1.31.1");
    using dumb = testHost({ answer: () => ({ code: 1, stderr: "no such option" }) });
    await expect(upgradeSystem(all, OPTIONS, dumb)).rejects.toThrow('ended with status 1, "no such option"');
    expect(linksOf(system)).toBe(OLD);
  });

  test("copies all parts, and makes them current on trial", async () => {
    expect(await upgrade()).toBe(true);
    expect(linksOf(system)).toBe(NEW);
    expect(readTrial(system)?.state).toBe("trial");
    expect(readFileSync(join(system, "k3os/v3/k3os.squashfs"))).toEqual(
      readFileSync(join(source, "k3os/v3/k3os.squashfs")),
    );
    expect(existsSync(join(system, "k3os/v2"))).toBe(true);
  });

  test("makes an earlier boot menu name its disk before the new version is started", async () => {
    const menu = grubConfig({ uuid: "1b2c", consoles: [], debug: false }).replaceAll(
      " k3os.state=$state",
      "",
    );
    const path = join(host.root, "boot/grub/grub.cfg");
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, menu);
    await upgrade();
    expect(readFileSync(path, "utf8").match(/ k3os\.state=1b2c /g)?.length).toBe(4);
    expect(readFileSync(`${path}.old`, "utf8")).toBe(menu);
  });

  test("does nothing the second time, and says so as the original did", async () => {
    await upgrade();
    expect(await upgrade()).toBe(false);
    expect(host.logged.join()).toContain('Skipping "k3os": its version is already current: v3');
  });

  test("takes only what was asked for; the rest goes along as it is", async () => {
    await upgrade({ components: ["k3os", "k3s"] });
    expect(linksOf(system)).toBe("k3os v3<v2, k3s v1.31.0<v1.30.0, kernel 6.1<6.1");
  });

  test("leaves a board its own kernel", async () => {
    rmSync(join(system, "kernel"), { recursive: true });
    await upgrade();
    expect(linksOf(system)).toBe("k3os v3<v2, k3s v1.31.0<v1.30.0");
    expect(host.logged.join()).toContain("a kernel of its own");
  });

  test("switches to a version that is there, and copies one anew that is only there in part", async () => {
    mkdirSync(join(system, "k3os/v3"));
    writeFileSync(join(system, "k3os/v3/k3os"), "cut off");
    await upgrade();
    expect(readFileSync(join(system, "k3os/v3/k3os"), "utf8")).toBe("k3os v3\n".repeat(2000));
    expect(existsSync(join(system, "k3os/.v3.old"))).toBe(false);
  });

  test("is not held up by what crashes have left, the original's included, and clears it away", async () => {
    for (const name of [".v3.partial", "v3.old", "v38912"])
      mkdirSync(join(system, "k3os", name, "x"), { recursive: true });
    symlinkSync("v3", join(system, "k3os/current.tmp"));
    expect(await upgrade()).toBe(true);
    for (const name of [".v3.partial", "v3.old", "v38912", "current.tmp", "v1"]) {
      expect([name, existsSync(join(system, "k3os", name))]).toEqual([name, name === "v1"]);
    }
  });

  test("refuses what failed before, unless it is forced", async () => {
    addQuarantined(
      system,
      {
        versions: { k3os: "v3", k3s: "v1.31.0", kernel: "6.3" },
        reason: "unwell",
        at: "2030",
      },
      host,
    );
    expect(upgrade()).rejects.toThrow("k3os v3, k3s v1.31.0, kernel 6.3 failed here on 2030: unwell");
    expect(linksOf(system)).toBe(OLD);
    expect(await upgrade({ force: true })).toBe(true);
  });

  test("joins one that was made before, when no start has tried that yet", async () => {
    await upgrade({ components: ["k3os", "k3s"] });
    expect(await upgrade({ components: ["kernel"] })).toBe(true);
    expect(linksOf(system)).toBe(NEW);
    expect(changedVersions(readTrial(system)?.parts ?? [])).toEqual({
      k3os: "v3",
      k3s: "v1.31.0",
      kernel: "6.3",
    });
  });

  test("refuses while another upgrade is on trial", async () => {
    await upgrade();
    start();
    const next = makeSystem(join(image.root, "next"), { k3os: ["v4"] });
    expect(upgrade({ source: next })).rejects.toThrow("An upgrade to v3, v1.31.0, 6.3 is on trial");
  });

  test("goes from the generation that was healthy, not from one that was never found so, nor from half a switch", async () => {
    await upgrade();
    const trial = start();
    const next = makeSystem(join(image.root, "next"), { k3os: ["v4"] });
    await upgrade({ source: next, components: ["k3os"], force: true });
    expect(linksOf(system)).toBe("k3os v4<v2, k3s v1.30.0<v1.30.0, kernel 6.1<6.1");
    writeTrial(system, { ...trial, state: "switching" });
    expect(await upgrade()).toBe(true);
    expect(linksOf(system)).toBe(NEW);
  });

  test("does not hold against the new what was wrong with the old", async () => {
    mkdirSync(join(host.root, "run/k3os"), { recursive: true });
    writeFileSync(join(host.root, "run/k3os/ccapply-failed"), "");
    await upgrade();
    expect(readTrial(system)?.tolerated).toEqual(["configuration"]);
  });

  test("only says what it would do, with sizes", async () => {
    expect(await upgrade({ dryRun: true })).toBe(false);
    expect(linksOf(system)).toBe(OLD);
    expect(host.printed.join("")).toBe(
      "k3os v2 → v3 (49 KiB to copy)\nk3s v1.30.0 → v1.31.0 (24 KiB to copy)\nkernel 6.1 → 6.3 (61 KiB to copy)\n",
    );
  });
});

describe("an upgrade is refused, and nothing changes:", () => {
  test.each<[string, () => Partial<CopySettings>, string]>([
    ["no source", () => ({ source: "/none" }), 'The source "/none" is not a directory'],
    ["no destination", () => ({ destination: "/none" }), 'The destination "/none" is not a directory'],
    ["to itself", () => ({ source: `${system}/../system` }), "are the same directory"],
    ["nothing in it", () => ({ source: image.root }), "has no current version of k3os"],
  ])("%s", async (_, settings, message) => {
    expect(upgrade(settings())).rejects.toThrow(message);
    expect(linksOf(system)).toBe(OLD);
  });
});
