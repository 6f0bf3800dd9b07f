import type { Offer } from "./choose.ts";
import type { Provider } from "./data-source.ts";
import { cdrom } from "./local/cdrom.ts";
import { configDrive } from "./local/config-drive.ts";
import { fileSource } from "./local/file.ts";
import { kvm } from "./local/kvm.ts";
import { noCloud } from "./local/nocloud.ts";
import { vmware } from "./local/vmware.ts";
import { aws } from "./network/aws.ts";
import { azure } from "./network/azure.ts";
import { digitalocean } from "./network/digitalocean.ts";
import { gcp } from "./network/gcp.ts";
import { hetzner } from "./network/hetzner.ts";
import { openstack } from "./network/openstack.ts";
import { packet } from "./network/packet.ts";
import { scaleway } from "./network/scaleway.ts";
import { vultr } from "./network/vultr.ts";

/** Sources at hand: `auto` looks at all of them, in this order, before all others. */
const AT_HAND: readonly Provider[] = [
  kvm,
  noCloud,
  configDrive,
  cdrom, // last: it takes any disc that holds a file of the right name
];

/**
 * Sources that `auto` asks only where the machine says that it belongs to them: on the network, and one that is asked by an
 * instruction which kills the program that uses it on other machines.
 */
const ELSEWHERE: readonly Provider[] = [
  vmware,
  aws,
  azure,
  digitalocean,
  gcp,
  hetzner,
  openstack,
  packet,
  scaleway,
  vultr,
];

/** Every source by the name that it has in `k3os.data_sources`, and what `file=PATH` means. */
export const OFFER: Offer = {
  providers: [...AT_HAND, ...ELSEWHERE],
  atHand: AT_HAND,
  fileSource,
};
