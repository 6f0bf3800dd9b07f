import type { Asker } from "../../tools/terminal/prompt.ts";
import { machineObjections, refuse } from "../check.ts";
import { cloudConfig } from "./cloud-config.ts";
import { role, serverUrl, token } from "./cluster.ts";
import { disk } from "./disk.ts";
import { operation } from "./operation.ts";
import { password } from "./password.ts";
import { sshKeys } from "./ssh-keys.ts";
import type { Interview, Step, StepHost } from "./step.ts";
import { wifi } from "./wifi.ts";

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
