import { describe, expect, test } from "bun:test";
import { INSTALLER_SETTINGS, type InstallerSetting } from "../../../lib/config/schema/installer-settings.ts";
import type { InstallConfig } from "../../../lib/config/schema/schema.ts";
import { INSTALL_OPTIONS, mergeSettings } from "../../../lib/install/install-settings.ts";
import { type Command, parseCommandLine } from "../../../lib/tools/cli/cli.ts";

const command: Command<typeof INSTALL_OPTIONS> = {
  options: INSTALL_OPTIONS,
  json: "events",
  maxPositionals: 2,
  run: async () => 0,
};

/** The settings of a command line as typed. */
function settings(argv: string, env: Record<string, string> = {}, config: InstallConfig = {}) {
  const words = argv.split(" ").filter((word) => word !== "");
  const args = parseCommandLine(command, words, env);
  return mergeSettings(args, { json: words.includes("--json") }, env, config);
}

/** Option, variable and key of every boolean that goes by its own name into the settings. */
const FLAGS = Object.entries<InstallerSetting>(INSTALLER_SETTINGS).flatMap(
  ([name, { field, flag, env, key }]) =>
    field.kind === "flag" && key !== false && flag !== undefined && name !== "insecureSkipVerify"
      ? [[flag, env, name as "force"] as const]
      : [],
);

describe("mergeSettings()", () => {
  test("prefers the command line to the environment, and that to the configuration", () => {
    const env = {
      K3OS_INSTALL_DEVICE: "/dev/env",
      K3OS_INSTALL_ISO_URL: "env.iso",
      K3OS_INSTALL_CONFIG_URL: "env.yaml",
      K3OS_INSTALL_TTY: "ttyS1",
    };
    const config = { device: "/dev/config", isoUrl: "config.iso", configUrl: "config.yaml", tty: "ttyS2" };
    expect(settings("--config flag.yaml --tty ttyS0 /dev/flag flag.iso", env, config)).toMatchObject({
      device: "/dev/flag",
      isoUrl: "flag.iso",
      configUrl: "flag.yaml",
      tty: "ttyS0",
    });
    expect(settings("", env, config)).toMatchObject({
      device: "/dev/env",
      isoUrl: "env.iso",
      configUrl: "env.yaml",
      tty: "ttyS1",
    });
    expect(settings("", {}, config)).toMatchObject(config);
  });

  test("takes keys, and consent to what nobody has signed, from each of them", () => {
    const config = { releaseKeys: ["config"], insecureSkipVerify: true };
    expect(settings("", {}, config)).toMatchObject({ keys: ["config"], insecure: true });
    const env = { K3OS_INSTALL_KEY: "env", K3OS_INSTALL_INSECURE_SKIP_VERIFY: "n" };
    expect(settings("", env, config)).toMatchObject({ keys: ["env"], insecure: false });
    expect(settings("--key a --key b", env)).toMatchObject({ keys: ["a", "b"], insecure: false });
    expect(settings("--copy-network").copyNetwork).toBe(true);
    expect(settings("", { K3OS_INSTALL_COPY_NETWORK: "on" }).copyNetwork).toBe(true);
  });

  test("knows an ISO that only the configuration names", () => {
    const config = { isoUrl: "config.iso" };
    expect(settings("", {}, config).isoOptional).toBe(true);
    expect(settings("/dev/vda flag.iso", {}, config).isoOptional).toBe(false);
    expect(settings("", { K3OS_INSTALL_ISO_URL: "env.iso" }, config).isoOptional).toBe(false);
    expect(settings("").isoOptional).toBe(false);
  });

  test.each(FLAGS)(
    "takes --%s, %s and k3os.install.%s, and lets the variable say no",
    (flag, variable, key) => {
      expect(settings("")[key]).toBe(false);
      expect(settings(`--${flag}`)[key]).toBe(true);
      for (const yes of ["1", "y", "YES"]) expect(settings("", { [variable]: yes })[key]).toBe(true);
      expect(settings("", {}, { [key]: true })[key]).toBe(true);
      expect(settings("", { [variable]: "false" }, { [key]: true })[key]).toBe(false);
      expect(settings("", { [variable]: "" }, { [key]: true })[key]).toBe(true);
      expect(settings(`--${flag}`, { [variable]: "false" })[key]).toBe(true);
      expect(settings(`--${flag}=no`, { [variable]: "1" }, { [key]: true })[key]).toBe(false);
      expect(() => settings("", { [variable]: "maybe" })).toThrow(
        `${variable}: found "maybe", expected true or false`,
      );
    },
  );

  test.each([
    ["", {}, {}, true],
    ["--tty ttyS0 --poweroff", {}, {}, true],
    ["", {}, { device: "/dev/vda", configUrl: "c.yaml" }, true],
    ["/dev/vda", {}, {}, false],
    ["--device /dev/vda", {}, {}, false],
    ["--config c.yaml", {}, {}, false],
    ["--no-format", {}, {}, false],
    ["--takeover", {}, {}, false],
    ["--json", {}, {}, false],
    ["", { K3OS_INSTALL_DEVICE: "/dev/vda" }, {}, false],
    ["", { K3OS_INSTALL_CONFIG_URL: "c.yaml" }, {}, false],
    ["", {}, { noFormat: true }, false],
  ])("with %p, %p and %p says whether everything is asked: %p", (argv, env, config, interview) => {
    expect(settings(argv, env, config).interview).toBe(interview);
  });

  test("does not take silence for consent to erase foreign data", () => {
    expect(settings("--yes --silent").force).toBe(false);
  });

  test("asks nothing with --yes as with --silent", () => {
    expect(settings("-y").silent).toBe(true);
  });

  test("knows DEVICE as an option too", () => {
    expect(settings("--device /dev/vdb").device).toBe("/dev/vdb");
  });

  test("takes options after DEVICE", () => {
    expect(settings("/dev/vdb --no-format")).toMatchObject({ device: "/dev/vdb", noFormat: true });
  });

  test("returns when DEVICE is on the command line, else restarts, or powers off when asked to", () => {
    const device = { K3OS_INSTALL_DEVICE: "/dev/vda" };
    expect(settings("/dev/vda").afterwards).toBe("return");
    expect(settings("--device /dev/vda", {}, { powerOff: true }).afterwards).toBe("return");
    expect(settings("--poweroff /dev/vda").afterwards).toBe("power-off");
    expect(settings("", device).afterwards).toBe("restart");
    expect(settings("", device, { powerOff: true }).afterwards).toBe("power-off");
  });

  test.each(["ttyS0", "ttyS0,115200", "/dev/ttyAMA0", "ttyS1,115200n8"])("accepts the terminal %s", (tty) => {
    expect(settings(`--tty ${tty}`).tty).toBe(tty.replace("/dev/", ""));
  });

  test.each(["ttyS0;reboot", "ttyS0 quiet", "../sda", "ttyS0,fast", "$(id)", "ttyS0}"])(
    "refuses %s as a terminal: it would end up in grub.cfg",
    (tty) => {
      expect(() => settings("", {}, { tty })).toThrow(`"${tty}" is not a terminal`);
    },
  );
});
