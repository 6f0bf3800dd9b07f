import type { Host } from "./host.ts";

/** The time as a part of a file's name, which sorts and holds no colon: `20300102T030405Z`. */
export function timeName(host: Pick<Host, "clock">): string {
  return new Date(host.clock.now()).toISOString().replace(/[-:]|\.\d+/g, "");
}
