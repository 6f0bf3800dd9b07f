import { describe, expect, test } from "bun:test";
import { openstack, openstackAt } from "../../../../lib/datasource/network/openstack.ts";
import { NO_PLATFORM, readCloud, readingFailure } from "../../../support/cloud.ts";
import { makeKey } from "../../../support/ssh-key.ts";

const [A, B] = [makeKey("ssh-ed25519", "a"), makeKey("ssh-rsa", "b")];
const META = {
  uuid: "d8e02d56-2648-49a3-bf97-6be8f1204f38",
  hostname: "node.novalocal",
  availability_zone: "nova",
  public_keys: { first: A, second: `${B}\n`, third: 3 },
};

describe("openstack", () => {
  test("reads its own tree, and from that of EC2 what only that has", async () => {
    const { metadata, userdata } = await readCloud(openstackAt, {
      "/openstack": "2018-08-27\nlatest",
      "/openstack/latest/meta_data.json": JSON.stringify(META),
      "/openstack/latest/user_data": "#!/bin/sh\n",
      "/latest/meta-data/local-hostname": "node",
      "/latest/meta-data/local-ipv4": "10.0.0.9",
    });
    expect(userdata).toBe("#!/bin/sh\n");
    expect(metadata).toMatchObject({
      keys: [A, B],
      hostname: "node.novalocal",
      localHostname: "node",
      instanceId: META.uuid,
      facts: { availability_zone: "nova", local_ipv4: "10.0.0.9" },
    });
  });

  test("falls back to the tree of EC2", async () => {
    const { metadata, userdata } = await readCloud(openstackAt, {
      "/latest/user-data": "old",
      "/latest/meta-data/hostname": "old.novalocal",
      "/latest/meta-data/public-keys/": "0=key",
      "/latest/meta-data/public-keys/0/openssh-key": A,
    });
    expect(userdata).toBe("old");
    expect(metadata).toMatchObject({ keys: [A], hostname: "old.novalocal" });
  });

  test("fails on metadata that is no JSON", async () => {
    const routes = { "/openstack": "latest", "/openstack/latest/meta_data.json": "{" };
    expect(await readingFailure(readCloud(openstackAt, routes))).toContain("expected a JSON object");
  });

  test.each([
    [{ product_name: "OpenStack Nova" }, true],
    [{ chassis_asset_tag: "OpenTelekomCloud" }, true],
    [{ product_name: "Standard PC" }, false],
  ])("recognises %j: %p", (dmi, expected) => {
    expect(openstack.recognises({ ...NO_PLATFORM, dmi })).toBe(expected);
  });
});
