import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  addToRunlevel,
  controlService,
  describeServices,
  removeFromRunlevel,
} from "../../../lib/legacy/service-control.ts";
import { type TestHost, testHost } from "../../support/host.ts";

const UNITS = ["ssh.service", "crond.service", "own.service"];
let host: TestHost;
let state = "active";

beforeEach(() => {
  state = "active";
  const files = Object.fromEntries(UNITS.map((name) => [`/usr/lib/systemd/system/${name}`, ""]));
  host = testHost({ files, answer: () => ({ stdout: `ActiveState=${state}\n` }) });
});
afterEach(() => host[Symbol.dispose]());

function put(path: string, target?: string): void {
  mkdirSync(dirname(join(host.root, path)), { recursive: true });
  if (target === undefined) writeFileSync(join(host.root, path), "");
  else symlinkSync(target, join(host.root, path));
}

const asked = () => host.programs.map(({ argv }) => argv.filter((word) => word !== "--quiet").join(" "));

describe("where the service manager runs", () => {
  beforeEach(() => put("/run/systemd/system/x"));

  test.each([
    ["sshd", "restart", "systemctl restart ssh.service"],
    ["ssh", "stop", "systemctl stop ssh.service"],
    ["own", "reload", "systemctl reload-or-restart own.service"],
    ["crond", "zap", "systemctl reset-failed crond.service"],
  ])("service %s %s does what it says", async (name, action, command) => {
    expect(await controlService(name, action, host)).toBe(0);
    expect(asked()).toEqual([command]);
  });

  test.each([
    ["active", 0, "started"],
    ["inactive", 3, "stopped"],
    ["failed", 3, "crashed"],
  ])("service NAME status says of one that is %s with %i: %s", async (found, status, word) => {
    state = found;
    expect(await controlService("sshd", "status", host)).toBe(status);
    expect(host.printed).toEqual([` * status: ${word}\n`]);
  });

  test("a service that is part of the system needs nothing", async () => {
    expect(await controlService("haveged", "start", host)).toBe(0);
    await addToRunlevel("rngd", host);
    expect(asked()).toEqual([]);
  });

  test("one that nobody knows is an error, and so is an action", async () => {
    await expect(controlService("nothing", "start", host)).rejects.toThrow('Unknown service "nothing"');
    await expect(controlService("sshd", "dance", host)).rejects.toThrow('Unknown action "dance"');
    await expect(controlService("../ssh", "start", host)).rejects.toThrow("Unknown service");
  });

  test("rc-status lists those that are here", async () => {
    expect(await describeServices(host)).toMatch(/^Runlevel: default\n crond +\[ {2}started {2}\]\n sshd +/);
  });
});

describe("before services start", () => {
  test("one that is started will be, and one that was taken out too", async () => {
    put("/etc/systemd/system/ssh.service", "/dev/null");
    await controlService("sshd", "start", host);
    await controlService("crond", "stop", host);
    expect(asked()).toEqual([
      "systemctl unmask ssh.service",
      "systemctl add-wants multi-user.target ssh.service",
    ]);
  });

  test("rc-update del undoes rc-update add, and else keeps the service out", async () => {
    await addToRunlevel("crond", host);
    put("/etc/systemd/system/multi-user.target.wants/crond.service", "/usr/lib/systemd/system/crond.service");
    await removeFromRunlevel("crond", host);
    await removeFromRunlevel("sshd", host);
    expect(asked()).toEqual([
      "systemctl add-wants multi-user.target crond.service",
      "systemctl mask ssh.service",
    ]);
  });
});
