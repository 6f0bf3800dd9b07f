import { formatBytes } from "../tools/terminal/progress.ts";
import { printable } from "../tools/text/printable.ts";
import { wrap } from "../tools/text/wrap.ts";
import type { Entry } from "./reset-facts.ts";

/** The number of entries listed by name. */
const MOST = 16;

/** The effect of a reset for the user: the deleted entries, the largest first, and the kept ones. */
export function describeReset({
  deleted,
  kept,
}: {
  readonly deleted: readonly Entry[];
  readonly kept: readonly Entry[];
}): string {
  const bySize = deleted.toSorted((a, b) => b.bytes - a.bytes);
  const rest = bySize.slice(MOST);
  const lines = [
    `Deleted at the next boot, ${formatBytes(total(deleted))}:`,
    ...bySize.slice(0, MOST).flatMap(row),
    ...(rest.length === 0 ? [] : [`  ${formatBytes(total(rest)).padStart(8)}  ${rest.length} more`]),
    "Kept:",
    ...kept.flatMap(row),
    "  /k3os/system: versions and config.yaml",
    "  /boot",
  ];
  return `${lines.join("\n")}\n`;
}

function row({ path, bytes }: Entry): string[] {
  return wrap(printable(`  ${formatBytes(bytes).padStart(8)}  ${path}`), 10);
}

function total(entries: readonly Entry[]): number {
  return entries.reduce((sum, { bytes }) => sum + bytes, 0);
}
