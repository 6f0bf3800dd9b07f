import type { Host } from "./host.ts";
import { timeStamp } from "./time-stamp.ts";

/** The time as a part of a file's name, which sorts and holds no colon: `20300102T030405Z`. */
export function timeName(host: Pick<Host, "clock">): string {
  return timeStamp(host).replace(/[-:]|\.\d+/g, "");
}
