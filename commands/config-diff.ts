import { basename } from "node:path";
import { hasErrors, logDiagnostics } from "../lib/config/read/diagnostics.ts";
import { readConfig, readConfigWith } from "../lib/config/read/read.ts";
import { MAX_BYTES } from "../lib/config/schema/limits.ts";
import { describeDifferences, differences, withoutEffect } from "../lib/config/write/difference.ts";
import { defineCommand } from "../lib/tools/cli/cli.ts";
import { readBounded } from "../lib/tools/fs/read-bounded.ts";
import { PATH } from "../lib/tools/host/paths.ts";
import { during, EXIT, UsageError } from "../lib/tools/text/errors.ts";

/** `k3os config diff FILE` */
export const configDiff = defineCommand({
  usage: "FILE",
  description: `
Shows which settings of this node would change with FILE in
/var/lib/rancher/k3os/config.d, in the place of a file of the same name: the old
and the new value, and whether the change takes effect live, restarts k3s or
needs a reboot. Changes nothing. Passwords and tokens are hidden.`,
  options: {},
  exits: { failed: "FILE cannot be read or has errors; the rest is shown" },
  maxPositionals: 1,
  run: async ({ positionals: [file] }, host) => {
    if (file === undefined) throw new UsageError("Missing argument FILE");
    const bytes = await during(`Reading "${file}"`, () => readBounded(file, { maxBytes: MAX_BYTES }));
    const source = `${PATH.localConfigDir}/${basename(file)}`;
    const before = await readConfig(host);
    const after = await readConfigWith({ name: basename(file), bytes }, host);
    const own = after.diagnostics.filter(({ place }) => place.source === source);
    logDiagnostics(own, host);
    for (const message of withoutEffect(after.origins, source)) host.log.warn(message);
    host.print(describeDifferences(differences(before.origins, after.origins)));
    return hasErrors(own) ? EXIT.failed : EXIT.done;
  },
});
