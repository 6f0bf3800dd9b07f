import { readConfig } from "../../config/read/read.ts";
import { takeBackTry } from "../../tools/node/tried-config.ts";
import { messageOf } from "../../tools/text/errors.ts";
import { keepAuthority, withInjected } from "../injected.ts";
import { JOURNAL_DIRECTORY } from "../journal.ts";
import type { Step, SystemBoot } from "./boot-step.ts";
import { growStatePartition } from "./grow.ts";
import { nameHost, openLiveLogin, persistIdentity, writeHosts } from "./identity.ts";
import { bindKernelModules } from "./kernel-modules.ts";
import { bindSystem, buildEtc, leaveBase, makeDirectories, recordMode } from "./root-tree.ts";
import { removeLeftWrites } from "./unfinished.ts";

const RUNNING = ["local", "live", "install"] as const;

/**
 * The steps of the second stage, in order: from a bare root with /usr to a system that the service manager can start.
 */
const STEPS: readonly Step[] = [
  { name: "directories", required: true, run: makeDirectories },
  { name: "journal", run: openJournal },
  { name: "/etc", required: true, run: buildEtc },
  { name: "/k3os/system and /boot", required: true, run: bindSystem },
  { name: "mode", required: true, run: recordMode },
  { name: "kernel modules", run: bindKernelModules },
  { name: "unfinished files", modes: ["local"], run: removeLeftWrites },
  { name: "tried configuration", modes: ["local"], run: takeBackAtBoot },
  { name: "identity", run: persistIdentity },
  { name: "initrd configuration", modes: RUNNING, run: applyInitrdPhase },
  { name: "login without password", modes: ["live", "install", "shell"], run: openLiveLogin },
  { name: "grow the state partition", modes: ["local"], run: growStatePartition },
  { name: "host name", run: nameHost },
  { name: "/etc/hosts", run: writeHosts },
  { name: "boot configuration", modes: RUNNING, run: (boot) => boot.applyPhase("boot") },
  { name: "leave the old root", modes: RUNNING, run: leaveBase },
];

/** Runs all steps. Throws the error of a required step. */
export async function prepareSystem(boot: SystemBoot): Promise<void> {
  for (const step of STEPS) {
    if (step.modes !== undefined && !step.modes.includes(boot.mode)) continue;
    boot.log.info(`Boot: ${step.name}`);
    try {
      await step.run(boot);
    } catch (error) {
      if (step.required) throw error;
      boot.log.error(`${step.name}: ${messageOf(error)}`);
    }
  }
}

/** Commands of this phase find files that were added to the initrd at `/.base`. */
async function applyInitrdPhase(boot: SystemBoot): Promise<void> {
  await withInjected(async () => {
    if (boot.mode !== "local") {
      const { environment } = (await readConfig(boot)).config.k3os ?? {};
      keepAuthority(environment?.SSL_CERT_FILE, boot);
    }
    await boot.applyPhase("initrd");
  });
}

/** Nobody has kept it, and it may be why the node was reset. */
function takeBackAtBoot(boot: SystemBoot): void {
  const tried = takeBackTry(boot);
  if (tried !== undefined) boot.log.warn(`"${tried.name}" was tried and not kept: it is taken back`);
}

function openJournal(boot: SystemBoot): void {
  if (boot.continued) boot.log.resume(JOURNAL_DIRECTORY);
  else boot.log.open(JOURNAL_DIRECTORY);
}
