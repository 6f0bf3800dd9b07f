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
  return (await propertiesOfUnits([unit], names, host)).get(unit) ?? new Map();
}

/** The properties of several units by one call: `systemctl show` separates them by an empty line, in their order. */
export async function propertiesOfUnits(
  units: readonly string[],
  names: readonly string[],
  host: Pick<Host, "run">,
): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  const { stdout } = await host.run(cmd`systemctl show --property ${names.join(",")} ${units}`, {
    timeout: PATIENCE,
  });
  const blocks = stdout.split("\n\n").map(propertiesIn);
  return new Map(units.map((unit, at) => [unit, blocks[at] ?? new Map()]));
}

function propertiesIn(block: string): ReadonlyMap<string, string> {
  return new Map(
    block.split("\n").flatMap((line): [string, string][] => {
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
