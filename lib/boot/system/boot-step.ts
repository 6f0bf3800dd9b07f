import type { BootHost } from "../boot-host.ts";
import type { RunningMode } from "../mode.ts";

/** What the steps of the second stage work with. */
export interface SystemBoot extends BootHost {
  readonly mode: RunningMode;
  /** The first stage of this boot has already written to the journal. */
  readonly continued: boolean;
  /** Applies a phase of the configuration; failures are logged there and never stop the boot. */
  readonly applyPhase: (phase: "initrd" | "boot") => Promise<void>;
}

/** One of them. */
export interface Step {
  readonly name: string;
  /** Without it the step is done in every mode. */
  readonly modes?: readonly RunningMode[];
  /** A failure of this step ends the boot in the rescue shell; any other is logged. */
  readonly required?: boolean;
  readonly run: (boot: SystemBoot) => Promise<void> | void;
}
