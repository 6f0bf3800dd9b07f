import type { BootHost } from "../boot-host.ts";
import type { RunningMode } from "../mode.ts";

/** The input of the second stage's steps. */
export interface SystemBoot extends BootHost {
  readonly mode: RunningMode;
  /** The first stage of this boot has already written to the journal. */
  readonly continued: boolean;
  /** Applies a phase of the configuration; logs failures, which never stop the boot. */
  readonly applyPhase: (phase: "initrd" | "boot") => Promise<void>;
}

/** A step of the second stage. */
export interface Step {
  readonly name: string;
  /** Undefined: the step runs in every mode. */
  readonly modes?: readonly RunningMode[];
  /** A failure of this step ends the boot in the rescue shell; other failures are only logged. */
  readonly required?: boolean;
  readonly run: (boot: SystemBoot) => Promise<void> | void;
}
