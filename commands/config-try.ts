import { basename } from "node:path";
import { MAX_BYTES } from "../lib/config/schema/limits.ts";
import { describeDifferences } from "../lib/config/write/difference.ts";
import { type Arguments, defineCommand } from "../lib/tools/cli/cli.ts";
import { readBounded } from "../lib/tools/fs/read-bounded.ts";
import { during, EXIT, UsageError } from "../lib/tools/text/errors.ts";

const OPTIONS = {
  revert: {
    type: "string",
    value: "TIME",
    help: "take it back after TIME, such as 90s or 5m (default: 60s)",
  },
} as const;

/** `k3os config try FILE` */
export const configTry = defineCommand({
  usage: "FILE",
  description: `
Puts FILE into /var/lib/rancher/k3os/config.d, in the place of a file of the
same name, and applies it. After a minute, or at a reboot, the file of before is
put back and applied, unless you run "k3os config keep" until then. So a setting
that cuts the node off is undone. Settings that need a reboot cannot be tried.
run_cmd is not run.`,
  options: OPTIONS,
  exits: { failed: "FILE cannot be tried, or could not be applied; it is taken back" },
  maxPositionals: 1,
  needsRoot: () => true,
  run: async ({ values, positionals: [file] }: Arguments<typeof OPTIONS>, host) => {
    if (file === undefined) throw new UsageError("Missing argument FILE");
    const seconds = secondsOf(values.revert ?? "60s");
    const bytes = await during(`Reading "${file}"`, () => readBounded(file, { maxBytes: MAX_BYTES }));
    const { tryConfig } = await import("../lib/apply/try-config.ts");
    const found = await tryConfig({ name: basename(file), bytes }, seconds, host);
    host.print(describeDifferences(found));
    if (found.length > 0) {
      host.log.info(`Applied for ${seconds} seconds; keep it with "k3os config keep"`);
    }
    return EXIT.done;
  },
});

/** Long enough to log in again, and short enough to wait for. */
const [LEAST, MOST] = [10, 3600];

function secondsOf(text: string): number {
  const [, count, unit = "s"] = /^(\d{1,6})([sm])?$/.exec(text) ?? [];
  const seconds = Number(count) * (unit === "m" ? 60 : 1);
  if (seconds >= LEAST && seconds <= MOST) return seconds;
  throw new UsageError(`Found the time "${text}", expected ${LEAST}s to ${MOST / 60}m`);
}
