import { CommandError } from "../errors.ts";
import { type Applier, forEachItem, listItems } from "./applier.ts";
import { putFile, removeFile } from "./files.ts";

/** Read by the cloud-config unit, which does not start without it. */
const FILE = "/etc/conf.d/cloud-config";

/** Tells the cloud-config service which data sources to ask, in order. */
export const dataSources: Applier = {
  name: "data_sources",
  apply: async (config, host) => {
    const names: string[] = [];
    const checking = forEachItem(listItems("k3os.data_sources", config.k3os?.dataSources), (entry) => {
      names.push(checkSource(entry.trim()));
    });
    await checking.finally(() => {
      if (names.length === 0) removeFile(FILE, host);
      else putFile(FILE, `command_args="${names.join(" ")}"\n`, {}, host);
    });
  },
};

/** A provider's name or `file=PATH`; the unit splits the line at blanks. */
function checkSource(name: string): string {
  if (/^[a-z0-9-]+$/i.test(name) || /^file=[\w./:@+-]+$/.test(name)) return name;
  throw new CommandError(`found ${JSON.stringify(name)}, wanted a name such as "aws", or "file=PATH"`);
}
