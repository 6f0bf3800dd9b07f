import { dataSourceFlaw } from "../config/schema/flaws.ts";
import { GENERATED } from "../config/schema/generated-files.ts";
import { CommandError } from "../tools/text/errors.ts";
import { type Applier, checkItems, listItems, throwErrors } from "./applier.ts";
import { generator } from "./generator.ts";

/** Writes the list of data sources, in order, for the cloud-config service, which does not start without this file. */
export const dataSources: Applier = {
  name: "data_sources",
  apply: (config, host) => {
    const items = listItems("k3os.data_sources", config.k3os?.dataSources);
    const { good, errors } = checkItems(items, checkSource);
    const files = generator(config, host);
    if (good.length === 0) files.remove(GENERATED.cloudSources);
    else files.put(GENERATED.cloudSources, `command_args="${good.join(" ")}"\n`);
    throwErrors(errors);
  },
};

function checkSource(entry: string): string {
  const flaw = dataSourceFlaw(entry);
  if (flaw !== undefined) throw new CommandError(flaw.message);
  return entry.trim();
}
