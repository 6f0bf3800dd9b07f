import { existsSync } from "node:fs";
import { CommandError } from "../errors.ts";
import { linkTarget, replaceLink } from "../links.ts";
import { inRoot } from "../paths.ts";
import { type Applier, type ApplyHost, forEachItem } from "./applier.ts";
import { putFile } from "./files.ts";

const ZONES = "/usr/share/zoneinfo";
const LOCAL = "/etc/localtime";

/** Links /etc/localtime to a zone (localtime(5)), and names it in /etc/timezone for programs that look there. */
export const timezone: Applier = {
  name: "timezone",
  apply: async (config, host) => {
    const name = config.k3os?.timezone ?? "";
    if (name === "") return;
    await forEachItem([["k3os.timezone", name]], () => setZone(name, host));
  },
};

function setZone(name: string, host: ApplyHost): void {
  const zone = `${ZONES}/${name}`;
  if (name.split("/").includes("..") || !existsSync(inRoot(host, zone))) {
    throw new CommandError(`There is no time zone "${name}"`, {
      hint: `see ${ZONES}, or timedatectl list-timezones`,
    });
  }
  putFile("/etc/timezone", `${name}\n`, {}, host);
  if (linkTarget(inRoot(host, LOCAL)) === zone) return;
  if (host.dryRun) host.log.info(`Would link "${LOCAL}" to "${zone}"`);
  else replaceLink(inRoot(host, LOCAL), zone);
}
