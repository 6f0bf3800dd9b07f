import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "../tools/host/host.ts";
import { inRoot } from "../tools/host/paths.ts";
import { BUILT_IN_SERVICES, OPENRC_UNITS } from "../tools/node/openrc-units.ts";

/** Search path of units: https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html */
const UNIT_DIRECTORIES = ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system"];

/** The equivalent of a service of the original. */
export type Service =
  | { readonly kind: "unit"; readonly unit: string }
  /** There is no unit to start or stop. */
  | { readonly kind: "built-in" }
  | { readonly kind: "unknown" };

/** Finds a service by its name in the original, or a systemd unit by its own name. */
export function findService(name: string, host: Pick<Host, "root">): Service {
  const unit =
    OPENRC_UNITS[name] ?? (/\.(service|target|socket|timer)$/.test(name) ? name : `${name}.service`);
  if (hasUnit(unit, host)) return { kind: "unit", unit };
  return BUILT_IN_SERVICES.includes(name) ? { kind: "built-in" } : { kind: "unknown" };
}

function hasUnit(unit: string, host: Pick<Host, "root">): boolean {
  if (unit.includes("/")) return false;
  const file = unit.replace(/@[^.]*\./, "@.");
  return UNIT_DIRECTORIES.some((directory) => existsSync(inRoot(host, join(directory, file))));
}

/** Names of all services of the original that are units here. */
export function knownServices(host: Pick<Host, "root">): [name: string, unit: string][] {
  return Object.entries(OPENRC_UNITS).filter(([, unit]) => hasUnit(unit, host));
}
