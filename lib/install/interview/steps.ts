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

/** Asks nothing, but ends an interview that would be in vain. */
const machine: Step = {
  skip: () => false,
  ask: async ({ operation, settings, facts }) => {
    if (operation === "install") refuse(machineObjections(settings, facts));
    return {};
  },
};

/** The questions in the order of the original, to which scripts are written that type the answers. */
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

/** Asks what is not known. Throws Interrupted when the user gives up, and whatever a step throws. */
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
