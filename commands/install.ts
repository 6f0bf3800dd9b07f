import { defineCommand } from "../lib/cli.ts";
import { EXIT } from "../lib/errors.ts";
import { INSTALL_OPTIONS } from "../lib/install/settings.ts";

export const install = defineCommand({
  usage: "[DEVICE [ISO_URL]]",
  description: `
DEVICE is the disk to install to: everything on it is erased. With --no-format
it is a partition whose ext4 file system is kept; then no boot loader is
installed. The installation medium is ISO_URL (a URL or a file) if given, else
the one this machine runs from or that is attached, else the ISO of this release
from the network.

What is not given here comes from the environment (K3OS_INSTALL_DEVICE,
K3OS_INSTALL_ISO_URL and those named below), then from the configuration
(k3os.install.* in files or on the kernel command line).

Before the first write to the disk, the configuration is fetched and checked and
the medium inspected. With DEVICE on the command line the machine stays up when
done; else it restarts, or powers off if that was asked for. With --debug the
installed system says more when it boots, too.`,
  options: INSTALL_OPTIONS,
  maxPositionals: 2,
  run: async ({ values, positionals }, host) => {
    const { NOTHING_READ, readConfig } = await import("../lib/config/read.ts");
    const { logDiagnostics } = await import("../lib/config/diagnostics.ts");
    const { mergeSettings } = await import("../lib/install/settings.ts");
    const { installSystem } = await import("../lib/install/install.ts");
    const { announced } = await import("../lib/install/announce.ts");
    const { withEvents } = await import("../lib/events.ts");
    const { finish } = await import("../lib/install/finish.ts");
    const running = values.bootstrap ? NOTHING_READ : await readConfig(host);
    logDiagnostics(running.diagnostics, host);
    const debug = "debug" in values && values.debug === true;
    const configured = running.config.k3os?.install ?? {};
    const settings = mergeSettings({ ...values, debug }, positionals, host.env, configured);
    await withEvents(values.json, host, (told) =>
      announced(settings, told, async (watched) => {
        await installSystem(settings, running, watched);
        if (!settings.dryRun) await finish(settings.afterwards, watched);
      }),
    );
    return EXIT.done;
  },
});
