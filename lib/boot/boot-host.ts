import { type Host, systemClock, systemHost } from "../tools/host/host.ts";
import { type BootJournal, createJournal } from "./journal.ts";

/** The host during boot: its log is the boot journal. */
export interface BootHost extends Host {
  readonly log: BootJournal;
}

/** The host of a machine that is booting. */
export function createBootHost(options: { debug: boolean }): BootHost {
  const log = createJournal({ debug: options.debug, now: systemClock.now });
  return { ...systemHost({ log }), log };
}
