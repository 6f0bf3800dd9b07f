import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { keepConfig, revertConfig, tryConfig } from "../../../lib/apply/try-config.ts";
import { PATH } from "../../../lib/tools/host/paths.ts";
import { readTriedConfig, takeBackTry } from "../../../lib/tools/node/tried-config.ts";
import { type TestHost, testHost } from "../../support/host.ts";

const FILE = `${PATH.localConfigDir}/50-a.yaml`;
const ZONE = "/etc/timezone";
const file = (text: string) => ({ name: "50-a.yaml", bytes: Buffer.from(text) });

/** A running system, whose time zone is UTC by its configuration. */
function node(files: Readonly<Record<string, string>> = {}, answer = {}): TestHost {
  return testHost({
    files: {
      [PATH.localConfig]: "k3os: {timezone: UTC}\nrun_cmd: [never]\n",
      "/etc/passwd": `rancher:x:${process.getuid?.()}:${process.getgid?.()}::/home/rancher:/bin/bash\n`,
      "/home/rancher/.profile": "",
      "/sbin/k3s": "k3s",
      "/usr/share/zoneinfo/UTC": "",
      "/usr/share/zoneinfo/Europe/Berlin": "",
      ...files,
    },
    ...answer,
  });
}

const read = (host: TestHost, path: string) => readFileSync(join(host.root, path), "utf8");
const ran = (host: TestHost, word: string) => host.programs.filter(({ argv }) => argv.includes(word));

describe("tryConfig()", () => {
  test("applies a file, and orders that it is taken back", async () => {
    using host = node();
    const found = await tryConfig(file("k3os: {timezone: Europe/Berlin}\n"), 90, host);
    expect(found.map(({ key }) => key)).toEqual(["k3os.timezone"]);
    expect(read(host, ZONE)).toBe("Europe/Berlin\n");
    expect(statSync(join(host.root, FILE)).mode & 0o777).toBe(0o600);
    const [timer] = ran(host, "--on-active=90s");
    expect(timer?.argv.slice(-3)).toEqual(["/k3os/system/k3os/current/k3os", "config", "revert"]);
    expect(readTriedConfig(host)?.name).toBe("50-a.yaml");
    expect(host.lines).toEqual([]); // of run_cmd
  });

  test("is undone by revertConfig(), and not after keepConfig()", async () => {
    using host = node();
    await tryConfig(file("k3os: {timezone: Europe/Berlin}\n"), 60, host);
    expect(await revertConfig(host)).toBe("50-a.yaml");
    expect([read(host, ZONE), existsSync(join(host.root, FILE))]).toEqual(["UTC\n", false]);
    expect(ran(host, "stop").at(-1)?.argv).toEqual(["systemctl", "stop", "k3os-config-revert.timer"]);
    await expect(revertConfig(host)).rejects.toThrow("No configuration is being tried");
    await tryConfig(file("k3os: {timezone: Europe/Berlin}\n"), 60, host);
    expect(await keepConfig(host)).toBe("50-a.yaml");
    await expect(keepConfig(host)).rejects.toThrow("No configuration is being tried");
    expect(read(host, FILE)).toBe("k3os: {timezone: Europe/Berlin}\n");
  });

  test("takes a file back at once that cannot be applied", async () => {
    using host = node({ [FILE]: "k3os: {ntp_servers: [a]}\n" });
    const text = "k3os: {timezone: Europe/Berlin}\nwrite_files: [{path: /a, owner: nobody-here}]\n";
    await expect(tryConfig(file(text), 60, host)).rejects.toThrow(
      '"50-a.yaml" could not be applied, and is taken back',
    );
    await expect(revertConfig(host)).rejects.toThrow("No configuration");
    expect(read(host, FILE)).toBe("k3os: {ntp_servers: [a]}\n");
    expect(read(host, ZONE)).toBe("UTC\n");
  });

  test("applies the file of before over one that was taken back meanwhile", async () => {
    using host = node();
    const answer = host.run;
    const slow = {
      ...host,
      run: async (argv: readonly string[], options = {}) => {
        if (argv.includes("is-active") && readTriedConfig(host) !== undefined) takeBackTry(host);
        return await answer(argv, options);
      },
    };
    await expect(tryConfig(file("k3os: {timezone: Europe/Berlin}\n"), 60, slow)).rejects.toThrow(
      "was taken back before it was applied",
    );
    expect(read(host, ZONE)).toBe("UTC\n");
  });

  test("does not count what fails of other settings, nor what failed at the boot already", async () => {
    const text = "k3os: {timezone: Europe/Berlin}\n";
    using other = node({ [`${PATH.localConfigDir}/00`]: "write_files: [{path: /a, owner: nobody-here}]\n" });
    expect(await tryConfig(file(text), 60, other)).toHaveLength(1);
    using host = node({ "/etc/passwd": "" }); // whose keys cannot be written
    await expect(tryConfig(file(text), 60, host)).rejects.toThrow("could not be applied");
    const message = 'Unknown user "rancher": not in /etc/passwd';
    const failures = [{ applier: "ssh_authorized_keys", message }];
    const runtime = { run: "r", done: true, config: "", items: {}, failures };
    mkdirSync(join(host.root, "/run/k3os"), { recursive: true });
    writeFileSync(
      join(host.root, PATH.outcome),
      JSON.stringify({ sources: "", broken: [], phases: { runtime } }),
    );
    expect(await tryConfig(file(text), 60, host)).toHaveLength(1);
  });

  test("changes nothing if nothing can take it back", async () => {
    using host = node({}, { answer: ([program]: string[]) => ({ code: program === "systemd-run" ? 1 : 0 }) });
    await expect(tryConfig(file("k3os: {timezone: Europe/Berlin}\n"), 60, host)).rejects.toThrow(
      "systemd-run",
    );
    expect([existsSync(join(host.root, FILE)), existsSync(join(host.root, PATH.triedConfig))]).toEqual([
      false,
      false,
    ]);
  });

  test.each([
    ["hostnam: a\n", "has errors"],
    ["hostname: [\n", "has errors"],
    ["hostname: other\nboot_cmd: [a]\n", "hostname (needs a reboot), boot_cmd (needs a reboot)"],
    ["k3os: {install: {silent: true}}\n", "k3os.install.silent (only the installer)"],
  ])("refuses %p", async (text, expected) => {
    using host = node();
    await expect(tryConfig(file(text), 60, host)).rejects.toThrow(expected);
    expect(host.programs).toEqual([]);
    expect(existsSync(join(host.root, PATH.localConfigDir))).toBe(false);
  });

  test("does nothing for a file that changes nothing, and only one try at a time", async () => {
    using host = node();
    expect(await tryConfig(file("k3os: {timezone: UTC}\n"), 60, host)).toEqual([]);
    expect(host.programs).toEqual([]);
    await tryConfig(file("k3os: {timezone: Europe/Berlin}\n"), 60, host);
    const other = { name: "b.yaml", bytes: Buffer.from("k3os: {modules: [kvm]}\n") };
    await expect(tryConfig(other, 60, host)).rejects.toThrow('"50-a.yaml" is being tried until');
  });
});
