import { describe, expect, test } from "bun:test";
import { vultr, vultrAt } from "../../../../lib/datasource/network/vultr.ts";
import { NO_PLATFORM, readCloud } from "../../../support/cloud.ts";
import { makeKey } from "../../../support/ssh-key.ts";

const A = makeKey("ssh-ed25519", "a");
const INSTANCE = {
  hostname: "guest",
  "instance-v2-id": "36e9cf60",
  "public-keys": [A],
  region: { regioncode: "EWR" },
  interfaces: [
    { "network-type": "public", ipv4: { address: "192.0.2.8", netmask: "255.255.254.0" } },
    { "network-type": "private", ipv4: { address: "10.1.96.3", netmask: "255.255.240.0" } },
  ],
  "user-data": "text",
};

describe("vultr", () => {
  test("reads the document and, as bytes, the user data", async () => {
    const { metadata, userdata, requests } = await readCloud(vultrAt, {
      "/v1.json": JSON.stringify(INSTANCE),
      "/user-data/user-data": "#cloud-config\n",
    });
    expect(userdata).toBe("#cloud-config\n");
    expect(requests[0]?.headers["metadata-token"]).toBe("cloudinit");
    expect(metadata).toMatchObject({
      keys: [A],
      hostname: "guest",
      instanceId: "36e9cf60",
      facts: {
        public_ipv4: "192.0.2.8",
        private_ipv4: "10.1.96.3",
        private_netmask: "255.255.240.0",
        region_code: "EWR",
      },
    });
  });

  test("takes the user data of the document where there is no other", async () => {
    const { userdata } = await readCloud(vultrAt, {
      "/v1.json": JSON.stringify(INSTANCE),
      "/user-data/user-data": 403,
    });
    expect(userdata).toBe("text");
  });

  test("asks for the keys where the document has none", async () => {
    const { metadata } = await readCloud(vultrAt, {
      "/v1.json": JSON.stringify({ ...INSTANCE, "public-keys": undefined }),
      "/v1/public-keys": `rubbish\n${A}\n`,
    });
    expect(metadata?.keys).toEqual([A]);
  });

  test("recognises its machines by vendor, and bare metal by the kernel's command line", () => {
    expect(vultr.recognises({ ...NO_PLATFORM, dmi: { sys_vendor: "Vultr" } })).toBe(true);
    expect(vultr.recognises({ ...NO_PLATFORM, words: ["quiet", "vultr"] })).toBe(true);
    expect(vultr.recognises(NO_PLATFORM)).toBe(false);
  });
});
