import type { ResetFacts } from "../lib/reset/reset-facts.ts";
import { type Arguments, defineCommand } from "../lib/tools/cli/cli.ts";
import type { Host } from "../lib/tools/host/host.ts";
import { inRoot, PATH } from "../lib/tools/host/paths.ts";
import { shutDown } from "../lib/tools/host/power.ts";
import { EXIT, Interrupted, UsageError } from "../lib/tools/text/errors.ts";

const OPTIONS = {
  preview: { type: "boolean", help: "show what would be deleted and kept, and exit" },
  keep: {
    type: "string",
    multiple: true,
    value: "PATH",
    help: "keep PATH and everything below it; repeatable",
  },
  backup: {
    type: "string",
    value: "FILE|DIR",
    help: "save irreplaceable data to this tar.gz first",
  },
  yes: { type: "boolean", help: "do not prompt" },
  cancel: { type: "boolean", help: "cancel a scheduled reset" },
  reboot: { type: "boolean", help: "reboot now" },
} as const;

type Values = Arguments<typeof OPTIONS>["values"];

/** `k3os reset` */
export const reset = defineCommand({
  description: `
Schedules a factory reset: the next boot deletes all data of this node, and then
starts it with the installed versions and /k3os/system/config.yaml. Nothing is
deleted before that boot; --cancel cancels the reset.

--keep resolves links now: /etc/ssh, which is a link, keeps the SSH host keys.
--backup saves the configuration, the node's identity, the k3s datastore and
home directories. It requires that k3s is stopped, and that FILE is on another
disk or below a path that is kept.`,
  options: OPTIONS,
  needsRoot: () => true,
  run: async ({ values }: Arguments<typeof OPTIONS>, host) => {
    checkOptions(values);
    const { gatherResetFacts } = await import("../lib/reset/reset-facts.ts");
    const { checkReset } = await import("../lib/reset/order.ts");
    const facts = gatherResetFacts(values.keep, host);
    checkReset(facts);
    if (values.cancel) return await cancel(host);
    const { backupFile, writeBackup } = await import("../lib/reset/backup.ts");
    const file = values.backup === undefined ? undefined : backupFile(values.backup, facts, host);
    await show(facts, host);
    if (values.preview) return EXIT.done;
    if (!values.yes) await ask();
    if (file !== undefined) {
      const paths = await writeBackup(file, facts, host);
      host.log.info(`Wrote ${paths.join(", ")} to ${file}`);
    }
    await order(facts.keep, host);
    host.log.info('The next boot deletes the data of this node; "k3os reset --cancel" cancels this');
    if (values.reboot) await shutDown("restart", host);
    return EXIT.done;
  },
});

function checkOptions(values: Values): void {
  const { cancel, preview, yes, reboot, backup, keep } = values;
  const others = preview || yes || reboot || backup !== undefined || keep.length > 0;
  if (cancel && others) throw new UsageError("Cannot combine --cancel with other options");
  if (preview && reboot) throw new UsageError("Cannot combine --preview with --reboot");
}

async function show(facts: ResetFacts, host: Host): Promise<void> {
  const { measureData } = await import("../lib/reset/reset-facts.ts");
  const { describeReset } = await import("../lib/reset/describe-reset.ts");
  host.print(describeReset(measureData(facts, host)));
}

async function ask(): Promise<void> {
  const { canAsk, openTerminal } = await import("../lib/tools/terminal/prompt.ts");
  if (!canAsk()) throw new UsageError("Cannot prompt without a terminal: expected --yes");
  using terminal = openTerminal();
  if (!(await terminal.confirm("Delete all this at the next boot?")))
    throw new Interrupted("Nothing was changed");
}

async function order(keep: readonly string[], host: Host): Promise<void> {
  const { orderReset } = await import("../lib/reset/order.ts");
  const { writable } = await import("../lib/upgrade/writable.ts");
  const system = inRoot(host, PATH.system);
  await using _writable = await writable(system, host);
  orderReset(system, keep);
}

async function cancel(host: Host): Promise<number> {
  const { cancelReset } = await import("../lib/reset/order.ts");
  const { writable } = await import("../lib/upgrade/writable.ts");
  const system = inRoot(host, PATH.system);
  await using _writable = await writable(system, host);
  host.log.info(cancelReset(system) ? "Nothing will be deleted" : "No reset was scheduled");
  return EXIT.done;
}
