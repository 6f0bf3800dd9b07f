import { hasErrors, logDiagnostics } from "../lib/config/read/diagnostics.ts";
import { readConfig } from "../lib/config/read/read.ts";
import { explainConfig, settingNames } from "../lib/config/write/explain-settings.ts";
import { defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT } from "../lib/tools/text/errors.ts";

/** `k3os config explain [KEY]` */
export const configExplain = defineCommand({
  usage: "[KEY]",
  description: `
Shows the value of each setting below KEY (such as k3os.token or k3os.install),
the source that set it, and the sources that it overrides. Without KEY, shows
all settings. Passwords and tokens are hidden.`,
  options: {},
  exits: { failed: "a source has errors; the rest is shown" },
  maxPositionals: 1,
  choices: async () => settingNames(),
  run: async ({ positionals: [key] }, host) => {
    const { origins, diagnostics } = await readConfig(host);
    const explanation = explainConfig(origins, key);
    logDiagnostics(diagnostics, host);
    host.print(explanation);
    return hasErrors(diagnostics) ? EXIT.failed : EXIT.done;
  },
});
