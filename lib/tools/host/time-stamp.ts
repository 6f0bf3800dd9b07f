import type { Host } from "./host.ts";

/** The time of the host's clock in RFC 3339, for records and messages: 2030-01-02T03:04:05.678Z. */
export function timeStamp(host: Pick<Host, "clock">): string {
  return new Date(host.clock.now()).toISOString();
}
