import type { Asker } from "../../tools/terminal/prompt.ts";
import { machineObjections, refuse } from "../objections.ts";
import { cloudConfig } from "./ask-cloud-config.ts";
import { role, serverUrl, token } from "./ask-cluster.ts";
import { password } from "./ask-password.ts";
import { sshKeys } from "./ask-ssh-keys.ts";
import { wifi } from "./ask-wifi.ts";
import { disk } from "./choose-disk.ts";
import { operation } from "./choose-operation.ts";
import type { Interview, Step, StepHost } from "./step.ts";

/** Has no prompt, but ends an interview that cannot succeed. */
const machine: Step = {
  skip: () => false,
  ask: async ({ operation, settings, facts }) => {
    if (operation === "install") refuse(machineObjections(settings, facts));
    return {};
  },
};

/** The prompts in the order of the original, which scripts with typed answers depend on. */
export const INTERVIEW: readonly Step[] = [
  operation,
  machine,
  disk,
  cloudConfig,
  sshKeys,
  password,
  wifi,
  role,
  serverUrl,
  token,
];

/** Prompts for all unknown answers. Throws Interrupted when the user quits, and the errors of the steps. */
export async function askAll(
  steps: readonly Step[],
  first: Interview,
  asker: Asker,
  host: StepHost,
): Promise<Interview> {
  let interview = first;
  for (const step of steps) {
    if (!step.skip(interview)) interview = { ...interview, ...(await step.ask(interview, asker, host)) };
  }
  return interview;
}
