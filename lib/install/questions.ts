import type { Merged } from "../config/read/merge.ts";
import { type Asker, canAsk } from "../tools/terminal/prompt.ts";
import { Interrupted } from "../tools/text/errors.ts";
import type { InstallFacts } from "./install-facts.ts";
import type { InstallSettings } from "./install-settings.ts";
import { disk } from "./interview/choose-disk.ts";
import { knownOperation } from "./interview/choose-operation.ts";
import { type Interview, isSet, type StepHost } from "./interview/step.ts";
import { askAll, INTERVIEW } from "./interview/steps.ts";

/** Somebody is there and wants to be asked. */
export function isAttended({ silent }: Pick<InstallSettings, "silent">): boolean {
  return !silent && canAsk();
}

/**
 * Asks a person for what is not known: everything, or only for the disk where the command line has said what to do. With
 * nobody to ask, the settings stay as they are. Throws Interrupted when the person gives up.
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

/** Shows what is about to happen and asks whether it may. Throws Interrupted when the answer is no. */
export async function askForConsent(what: string, device: string, asker: Asker): Promise<void> {
  await asker.show(what);
  if (await asker.confirm(`Erase everything on ${device} and install k3OS?`)) return;
  throw new Interrupted("Nothing was changed");
}
