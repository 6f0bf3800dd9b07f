import type { Host } from "./host.ts";
import { timeStamp } from "./time-stamp.ts";

/** The time for use in a file name, sortable and without a colon: `20300102T030405Z`. */
export function timeName(host: Pick<Host, "clock">): string {
  return timeStamp(host).replace(/[-:]|\.\d+/g, "");
}
