import { cmd } from "./cmd.ts";
import type { Host } from "./host.ts";

/** Timeout for an answer of the service manager, in milliseconds. */
const PATIENCE = 30_000;

/** The properties of a unit, as printed by `systemctl show`: one `NAME=value` per line. */
export async function unitProperties(
  unit: string,
  names: readonly string[],
  host: Pick<Host, "run">,
): Promise<ReadonlyMap<string, string>> {
  const { stdout } = await host.run(cmd`systemctl show --property ${names.join(",")} ${unit}`, {
    timeout: PATIENCE,
  });
  return new Map(
    stdout.split("\n").flatMap((line): [string, string][] => {
      const at = line.indexOf("=");
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)]];
    }),
  );
}

/** The names of the failed units. Throws without a service manager. */
export async function failedUnits(host: Pick<Host, "run">): Promise<string[]> {
  const { stdout } = await host.run(cmd`systemctl --failed --output json`, { timeout: PATIENCE });
  return (JSON.parse(stdout || "[]") as readonly { readonly unit: string }[]).map(({ unit }) => unit);
}
