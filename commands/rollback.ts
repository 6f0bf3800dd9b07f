import { defineCommand } from "../lib/tools/cli/cli.ts";
import { inRoot, PATH } from "../lib/tools/host/paths.ts";
import { shutDown } from "../lib/tools/host/power.ts";
import { EXIT } from "../lib/tools/text/errors.ts";

export const rollback = defineCommand({
  description: `
Makes the versions of k3os, k3s and the kernel current that ran before the last
upgrade. They run after the next reboot. If the version of k3s changes, its
SQLite datastore is restored to its state before the upgrade; what was stored
since then is kept aside. etcd is not changed. The output says which it is.`,
  options: {
    "keep-data": { type: "boolean", help: "do not restore the k3s datastore" },
    reboot: { type: "boolean", help: "reboot now" },
    "dry-run": { type: "boolean", help: "show what would change, and exit" },
    "lock-file": {
      type: "string",
      value: "FILE",
      help: `lock held during the rollback (default: ${PATH.upgradeLock})`,
      env: "K3OS_UPGRADE_LOCK_FILE",
    },
  },
  needsRoot: () => true,
  run: async ({ values }, host) => {
    const { applyRollback, describeRollback, planRollback } = await import("../lib/upgrade/rollback-plan.ts");
    const { readGenerations, warnOfDamage } = await import("../lib/tools/generation/generation-facts.ts");
    const { writable } = await import("../lib/upgrade/writable.ts");
    const { datastoreNote } = await import("../lib/upgrade/rollback-datastore.ts");
    const { lockUpgrade } = await import("../lib/tools/generation/generation-lock.ts");
    const system = inRoot(host, PATH.system);
    // the plan is for what it finds: an upgrade must not change that meanwhile
    using _lock = values["dry-run"] ? undefined : lockUpgrade(values["lock-file"] ?? PATH.upgradeLock);
    const facts = readGenerations(system);
    warnOfDamage(facts, ["trial"], host);
    const plan = planRollback(facts);
    const keepData = values["keep-data"];
    const note = datastoreNote(plan, { keepData }, host);
    const lines = [...describeRollback(plan), ...(note === undefined ? [] : [note])];
    host.print(lines.map((line) => `${line}\n`).join(""));
    if (values["dry-run"]) return EXIT.done;
    {
      await using _writable = await writable(system, host);
      applyRollback(system, plan, { keepData }, host);
    }
    host.log.info("Takes effect at the next boot");
    if (values.reboot) await shutDown("restart", host);
    return EXIT.done;
  },
});
