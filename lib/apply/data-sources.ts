import { CommandError } from "../errors.ts";
import { type Applier, checkItems, listItems, throwErrors } from "./applier.ts";
import { putFile, removeFile } from "./files.ts";

/** Read by the cloud-config unit, which does not start without it. */
const FILE = "/etc/conf.d/cloud-config";

/** Tells the cloud-config service which data sources to ask, in order. */
export const dataSources: Applier = {
  name: "data_sources",
  apply: (config, host) => {
    const items = listItems("k3os.data_sources", config.k3os?.dataSources);
    const { good, errors } = checkItems(items, checkSource);
    if (good.length === 0) removeFile(FILE, host);
    else putFile(FILE, `command_args="${good.join(" ")}"\n`, {}, host);
    throwErrors(errors);
  },
};

/** A provider's name or `file=PATH`; the unit splits the line at blanks. */
function checkSource(entry: string): string {
  const name = entry.trim();
  if (/^[a-z0-9-]+$/i.test(name) || /^file=[\w./:@+-]+$/.test(name)) return name;
  throw new CommandError(`found ${JSON.stringify(name)}, wanted a name such as "aws", or "file=PATH"`);
}
