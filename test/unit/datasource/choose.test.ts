import { describe, expect, test } from "bun:test";
import { chooseSources } from "../../../lib/datasource/choose.ts";
import { OFFER } from "../../../lib/datasource/providers.ts";
import { NO_PLATFORM } from "../../support/cloud.ts";

const HETZNER = { ...NO_PLATFORM, dmi: { sys_vendor: "Hetzner" } };

/** Names of the sources that are asked. */
function asked(names: readonly string[], platform = NO_PLATFORM): string[] {
  const { choices } = chooseSources(names, OFFER, platform);
  return choices.filter((choice) => choice.passedOver === undefined).map(({ provider }) => provider.name);
}

describe("chooseSources()", () => {
  test("keeps the order of the list, across kinds", () => {
    expect(asked(["cdrom", "aws", "file=/x", "hetzner", "AWS"])).toEqual([
      "cdrom",
      "aws",
      "file=/x",
      "hetzner",
    ]);
  });

  test("passes over network sources that the machine does not belong to, if it belongs to one", () => {
    expect(asked(["aws", "cdrom", "hetzner", "packet"], HETZNER)).toEqual(["cdrom", "hetzner"]);
    expect(asked(["aws", "cdrom", "openstack"], HETZNER)).toEqual(["aws", "cdrom", "openstack"]);
  });

  test("takes auto for what is attached and what the machine belongs to, each once", () => {
    const atHand = ["kvm", "nocloud", "config-drive", "cdrom"];
    expect(asked(["auto"])).toEqual(atHand);
    expect(asked(["auto"], HETZNER)).toEqual([...atHand, "hetzner"]);
    expect(asked(["hetzner", "auto"], HETZNER)).toEqual(["hetzner", ...atHand]);
  });

  test("asks the hypervisor of VMware's machines only, unless it is named", () => {
    const machine = { ...NO_PLATFORM, dmi: { product_name: "VMware7,1" } };
    expect(asked(["auto"], machine)).toContain("vmware");
    expect(asked(["auto"])).not.toContain("vmware");
    expect(asked(["vmware"])).toEqual(["vmware"]);
  });

  test("returns an error for each unknown name, and still chooses the others", () => {
    const { choices, errors } = chooseSources(["gpc", "cdrom", "nonsense-here", ""], OFFER, NO_PLATFORM);
    expect(choices).toHaveLength(1);
    expect(errors[0]?.message).toBe('Unknown data source "gpc": did you mean "gcp"?');
    expect(errors[1]?.message).toContain("expected one of kvm, nocloud, config-drive");
    expect(errors).toHaveLength(3);
  });
});
