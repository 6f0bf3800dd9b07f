import { cmd } from "./cmd.ts";
import type { Host } from "./host.ts";

/** Milliseconds after which a service manager that does not answer is not waited for. */
const PATIENCE = 30_000;

/** The properties of a unit, as `systemctl show` prints them: one `NAME=value` a line. */
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

/** The names of the units that have failed. Throws where there is no service manager to ask. */
export async function failedUnits(host: Pick<Host, "run">): Promise<string[]> {
  const { stdout } = await host.run(cmd`systemctl --failed --output json`, { timeout: PATIENCE });
  return (JSON.parse(stdout || "[]") as readonly { readonly unit: string }[]).map(({ unit }) => unit);
}
