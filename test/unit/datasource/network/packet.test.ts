import { describe, expect, test } from "bun:test";
import { packet, packetAt } from "../../../../lib/datasource/network/packet.ts";
import { NO_PLATFORM, readCloud, readingFailure } from "../../../support/cloud.ts";
import { makeKey } from "../../../support/ssh-key.ts";

const A = makeKey("ssh-ed25519", "a");
const DEVICE = {
  id: "4e9cd1a7",
  hostname: "bare-1",
  ssh_keys: [A],
  plan: "c3.small.x86",
  facility: "ams1",
  network: {
    addresses: [
      { address: "2001:db8::1", address_family: 6, public: true },
      { address: "192.0.2.3", address_family: 4, public: true },
      { address: "10.0.0.3", address_family: 4, public: false },
    ],
  },
};

describe("packet", () => {
  test("reads the device and its user data", async () => {
    const { metadata, userdata } = await readCloud(packetAt, {
      "/metadata": JSON.stringify(DEVICE),
      "/userdata": "#cloud-config\n",
    });
    expect(userdata).toBe("#cloud-config\n");
    expect(metadata).toMatchObject({
      keys: [A],
      hostname: "bare-1",
      instanceId: "4e9cd1a7",
      facts: { public_ipv4: "192.0.2.3", local_ipv4: "10.0.0.3", availability_zone: "ams1" },
    });
  });

  test("takes no script for iPXE for user data", async () => {
    const { metadata, record } = await readCloud(packetAt, {
      "/metadata": JSON.stringify(DEVICE),
      "/userdata": "#!ipxe\nchain http://boot.example\n",
    });
    expect(metadata?.userdata).toBeUndefined();
    expect(record.ignored).toEqual(["user data: a script for iPXE"]);
  });

  test("fails where the service says that it knows no such device", async () => {
    const routes = { "/metadata": JSON.stringify({ error: "not found" }) };
    expect(await readingFailure(readCloud(packetAt, routes))).toBe('The service says: "not found"');
  });

  test("is recognised by nothing", () => {
    expect(packet.recognises(NO_PLATFORM)).toBe(false);
  });
});
