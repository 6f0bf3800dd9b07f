import { existsSync } from "node:fs";
import { GENERATED } from "../config/schema/generated-files.ts";
import type { CloudConfig } from "../config/schema/schema.ts";
import { linkTarget, replaceLink } from "../tools/fs/links.ts";
import { inRoot } from "../tools/host/paths.ts";
import { CommandError } from "../tools/text/errors.ts";
import { type Applier, type ApplyHost, forEachItem } from "./applier.ts";
import { generator } from "./generator.ts";

const ZONES = "/usr/share/zoneinfo";
const LOCAL = GENERATED.localTime.path;

/** Links /etc/localtime to a zone (localtime(5)), and writes its name to /etc/timezone for programs that read that. */
export const timezone: Applier = {
  name: "timezone",
  apply: async (config, host) => {
    const name = config.k3os?.timezone ?? "";
    if (name === "") return;
    await forEachItem([["k3os.timezone", name]], () => setZone(name, config, host));
  },
};

function setZone(name: string, config: CloudConfig, host: ApplyHost): void {
  const files = generator(config, host);
  const zone = `${ZONES}/${name}`;
  if (name.split("/").includes("..") || !existsSync(inRoot(host, zone))) {
    throw new CommandError(`Unknown time zone "${name}"`, {
      hint: `see ${ZONES}, or timedatectl list-timezones`,
    });
  }
  files.put(GENERATED.timezone, `${name}\n`);
  if (files.isWritten(GENERATED.localTime) || linkTarget(inRoot(host, LOCAL)) === zone) return;
  if (host.dryRun) host.log.info(`Would link "${LOCAL}" to "${zone}"`);
  else replaceLink(inRoot(host, LOCAL), zone);
}
