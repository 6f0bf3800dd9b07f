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

/** Local sources: `auto` asks all of them first, in this order. */
const AT_HAND: readonly Provider[] = [
  kvm,
  noCloud,
  configDrive,
  cdrom, // last: it accepts any disc with a file of the right name
];

/**
 * Sources that `auto` asks only if the machine belongs to them: network sources, and one that uses an instruction which
 * kills the program on other machines.
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

/** Every source by its name in `k3os.data_sources`, and the source of `file=PATH`. */
export const OFFER: Offer = {
  providers: [...AT_HAND, ...ELSEWHERE],
  atHand: AT_HAND,
  fileSource,
};
