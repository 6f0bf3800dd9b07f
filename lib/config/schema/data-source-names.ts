import { nearest } from "../../tools/text/nearest.ts";
import { quoted } from "./scalars.ts";

/** The names of all data sources in `k3os.data_sources`. */
export const DATA_SOURCES: readonly string[] = [
  ...["kvm", "nocloud", "config-drive", "cdrom", "vmware"],
  ...["aws", "azure", "digitalocean", "gcp", "hetzner", "openstack", "packet", "scaleway", "vultr"],
];

/** Stands in a list for every local source, and for the other sources that the machine belongs to. */
export const AUTO = "auto";
export const FILE_SOURCE = "file=";

/** The problem with a name that is not in `sources`. */
export function unknownSource(name: string, sources: readonly string[]): string {
  const names = [...sources, AUTO];
  const near = nearest(name.toLowerCase(), names);
  const advice =
    near === undefined
      ? `expected one of ${names.join(", ")} or ${FILE_SOURCE}PATH`
      : `did you mean "${near}"?`;
  return `Unknown data source ${quoted(name, {})}: ${advice}`;
}
