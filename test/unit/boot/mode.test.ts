import { describe, expect, test } from "bun:test";
import { bootWords, decideMode } from "../../../lib/boot/mode.ts";

describe("bootWords()", () => {
  const cases: [string, Partial<ReturnType<typeof bootWords>>][] = [
    ["", { mode: undefined, fallbackMode: undefined, debug: false }],
    ["quiet k3os.mode=live", { mode: "live", fallbackMode: undefined, debug: false }],
    ["k3os.mode=live k3os.mode=install", { mode: "install", fallbackMode: undefined, debug: false }],
    ["k3os.mode=live rescue", { mode: "shell", fallbackMode: undefined, debug: false }],
    ["rescue k3os.mode=disk", { mode: "disk", fallbackMode: undefined, debug: false }],
    ["rescue=1", { mode: undefined, fallbackMode: undefined, debug: false }],
    ["k3os.fallback_mode=install k3os.debug", { mode: undefined, fallbackMode: "install", debug: true }],
    ["k3os.debug=false", { mode: undefined, fallbackMode: undefined, debug: false }],
    ['"k3os.mode=live"\n', { mode: "live", fallbackMode: undefined, debug: false }],
    ['k3os.mode="live"', { mode: "live", fallbackMode: undefined, debug: false }],
    ["k3os.boot=trial", { generation: "trial" }],
    ["k3os.boot=else", { generation: undefined }],
    ["k3os.takeover=1b2c", { takeover: "1b2c" }],
    ["k3os.state=1b2c", { state: "1b2c" }],
    ["k3os.state=", { state: undefined }],
    ["xk3os.mode=live k3os.modes=live", { mode: undefined, fallbackMode: undefined, debug: false }],
  ];
  test.each(cases)("reads %j", (cmdline, words) => {
    const names = ["mode", "fallbackMode", "state", "takeover", "generation"];
    const none = Object.fromEntries(names.map((name) => [name, undefined]));
    expect(bootWords(cmdline)).toMatchObject({ ...none, debug: false, ...words });
  });
});

describe("decideMode()", () => {
  const none = { mode: undefined, fallbackMode: undefined };

  test("takes an explicit mode at once, even when an installed system is there", () => {
    expect(decideMode({ ...none, mode: "live" }, { state: true, waited: false })).toBe("live");
  });

  test("prefers an installed system to the fallback mode", () => {
    expect(decideMode({ ...none, fallbackMode: "install" }, { state: true, waited: true })).toBe("disk");
  });

  test("waits for slow disks before it falls back to an installation", () => {
    const words = { ...none, fallbackMode: "install" };
    expect(decideMode(words, { state: false, waited: false })).toBeUndefined();
    expect(decideMode(words, { state: false, waited: true })).toBe("install");
  });

  test("reads local as the installed system, since an initrd is not one", () => {
    expect(decideMode({ ...none, mode: "local" }, { state: false, waited: false })).toBe("disk");
  });

  test("refuses an unknown mode with the parameter and the known ones", () => {
    const decide = () => decideMode({ ...none, mode: "liv" }, { state: false, waited: false });
    expect(decide).toThrow('Unknown mode "liv" in k3os.mode: expected one of disk, live, install, shell');
  });

  test("says what is missing when nothing was found in time", () => {
    expect(() => decideMode(none, { state: false, waited: true })).toThrow("K3OS_STATE");
  });
});
