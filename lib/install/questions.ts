import type { Merged } from "../config/read/merge.ts";
import { type Asker, canAsk } from "../tools/terminal/prompt.ts";
import { Interrupted } from "../tools/text/errors.ts";
import type { InstallFacts } from "./install-facts.ts";
import type { InstallSettings } from "./install-settings.ts";
import { disk } from "./interview/choose-disk.ts";
import { knownOperation } from "./interview/choose-operation.ts";
import { type Interview, isSet, type StepHost } from "./interview/step.ts";
import { askAll, INTERVIEW } from "./interview/steps.ts";

/** Whether a user is present and accepts prompts. */
export function isAttended({ silent }: Pick<InstallSettings, "silent">): boolean {
  return !silent && canAsk();
}

/**
 * Prompts for unknown settings: all of them, or only the disk if the command line determines the rest. Without a user,
 * the settings stay the same. Throws Interrupted when the user quits.
 */
export async function askQuestions(
  settings: InstallSettings,
  running: Pick<Merged, "config" | "diagnostics">,
  facts: InstallFacts,
  asker: Asker,
  host: StepHost,
): Promise<Interview> {
  const known: Interview = {
    ...{ settings, facts, config: running.config, diagnostics: running.diagnostics },
    operation: isAttended(settings) ? knownOperation(facts, settings) : "install",
    role: isSet(running.config.k3os?.serverUrl) ? "agent" : undefined,
  };
  if (!isAttended(settings)) return known;
  if (!settings.interview) return await askAll([disk], known, asker, host);
  await asker.show(HEADING);
  return await askAll(INTERVIEW, known, asker, host);
}

const HEADING = "\nk3OS installer. Ctrl-C leaves everything as it is.\n\n";

/** Shows the planned changes and prompts for consent. Throws Interrupted if the answer is no. */
export async function askForConsent(what: string, device: string, asker: Asker): Promise<void> {
  await asker.show(what);
  if (await asker.confirm(`Erase everything on ${device} and install k3OS?`)) return;
  throw new Interrupted("Nothing was changed");
}
