import type { Host } from "./host.ts";

/** The time by the host's clock as RFC 3339 writes it, for records and messages: 2030-01-02T03:04:05.678Z. */
export function timeStamp(host: Pick<Host, "clock">): string {
  return new Date(host.clock.now()).toISOString();
}
