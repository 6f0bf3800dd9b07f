import type { CloudConfig } from "../lib/config/schema/schema.ts";
import { INSTALL_OPTIONS, type InstallSettings } from "../lib/install/install-settings.ts";
import { defineCommand } from "../lib/tools/cli/cli.ts";
import type { Host } from "../lib/tools/host/host.ts";
import { EXIT } from "../lib/tools/text/errors.ts";

export const install = defineCommand({
  usage: "[DEVICE [ISO_URL]]",
  description: `
DEVICE is the disk to install to: it is erased. With --no-format, DEVICE is a
partition whose ext4 file system is kept, and no boot loader is installed.

ISO_URL is the installation medium, as a URL or a file. The default is the
medium that this machine runs from, then an attached one, then the ISO of this
release from the network.

On a terminal, without DEVICE, --config and the like, the installer prompts for
every setting that is not configured: disk, configuration file or SSH keys,
password, WiFi, and server or agent. It shows the settings and the plan before
it erases anything; Ctrl-C changes nothing. It can also turn the running k3OS
into a server or an agent instead. --yes does not prompt.

Options override the environment (K3OS_INSTALL_DEVICE, K3OS_INSTALL_ISO_URL and
the variables named below), which overrides the configuration (k3os.install.* in
files or on the kernel command line).

The configuration is fetched and validated, and the medium is inspected, before
the first write to the disk. With DEVICE on the command line, the machine stays
up when done; otherwise it reboots, or powers off if requested. --debug also
enables debug messages in the installed system.`,
  options: INSTALL_OPTIONS,
  exits: {
    done: "installed; with --dry-run: the installation would start",
    failed: "the installation is not possible, or it failed",
  },
  maxPositionals: 2,
  json: "events",
  needsRoot: () => true,
  run: async (args, host) => {
    const { NOTHING_READ, readConfig } = await import("../lib/config/read/read.ts");
    const { logDiagnostics } = await import("../lib/config/read/diagnostics.ts");
    const { mergeSettings } = await import("../lib/install/install-settings.ts");
    const { installSystem } = await import("../lib/install/run-installation.ts");
    const { announced } = await import("../lib/install/announce.ts");
    const { finish } = await import("../lib/install/finish.ts");
    const running = args.values.bootstrap ? NOTHING_READ : await readConfig(host);
    logDiagnostics(running.diagnostics, host);
    const configured = running.config.k3os?.install ?? {};
    const settings = mergeSettings(args, { json: host.tell !== undefined }, host.env, configured);
    return await announced(settings, host, async (announcing) => {
      const outcome = await installSystem(settings, running, announcing);
      if (outcome.kind === "configure") return await configure(outcome.config, settings, announcing);
      if (outcome.kind === "installed") await finish(settings.afterwards, announcing);
      return EXIT.done;
    });
  },
});

/** Makes a server or an agent of the running system, as `k3os config --install` does once it is configured. */
async function configure(
  config: CloudConfig,
  { dryRun }: Pick<InstallSettings, "dryRun">,
  host: Host,
): Promise<number> {
  const { shownYaml } = await import("../lib/config/write/dump.ts");
  const { readConfig } = await import("../lib/config/read/read.ts");
  const { keepConfig } = await import("../lib/install/keep-config.ts");
  const { applyPhase } = await import("../lib/apply/stages.ts");
  if (dryRun) host.print(shownYaml(config));
  else host.log.info(`The configuration is in ${keepConfig(config, host)}`);
  const effective = dryRun ? config : (await readConfig(host)).config;
  const failures = await applyPhase("install", effective, { ...host, dryRun });
  return failures.length === 0 ? EXIT.done : EXIT.failed;
}
