import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { hetzner, hetznerAt } from "../../../../lib/datasource/network/hetzner.ts";
import { NO_PLATFORM, type Routes, readCloud } from "../../../support/cloud.ts";
import { makeKey } from "../../../support/ssh-key.ts";

const A = makeKey("ssh-ed25519", "a");
const TREE: Routes = {
  "/hetzner/v1/metadata/instance-id": "42",
  "/hetzner/v1/metadata/hostname": "node-1",
  "/hetzner/v1/metadata/public-ipv4": "192.0.2.1",
  "/hetzner/v1/metadata/availability-zone": "fsn1-dc14",
  "/hetzner/v1/metadata/region": "eu-central",
  "/hetzner/v1/metadata/public-keys": JSON.stringify([A, 5]),
  "/hetzner/v1/metadata/private-networks": "- ip: 10.0.0.2\n  network_id: 9\n",
  "/hetzner/v1/userdata": "#cloud-config\n",
};

describe("hetzner", () => {
  test("reads its own tree", async () => {
    const { metadata, userdata } = await readCloud(hetznerAt, TREE);
    expect(userdata).toBe("#cloud-config\n");
    expect(metadata).toMatchObject({
      keys: [A],
      hostname: "node-1",
      instanceId: "42",
      facts: {
        public_ipv4: "192.0.2.1",
        local_ipv4: "10.0.0.2",
        availability_zone: "fsn1-dc14",
        region: "eu-central",
      },
    });
  });

  test("unpacks user data that is base64, as binary user data has to be", async () => {
    const packed = gzipSync("#!/bin/sh\n").toString("base64");
    const { userdata } = await readCloud(hetznerAt, { ...TREE, "/hetzner/v1/userdata": packed });
    expect(userdata).toBe("#!/bin/sh\n");
  });

  test("knows that status 204 means no user data", async () => {
    const { metadata } = await readCloud(hetznerAt, { ...TREE, "/hetzner/v1/userdata": 204 });
    expect(metadata?.userdata).toBeUndefined();
    expect(metadata?.hostname).toBe("node-1");
  });

  test("keeps the user data where the keys are no list", async () => {
    const { userdata, metadata } = await readCloud(hetznerAt, {
      ...TREE,
      "/hetzner/v1/metadata/public-keys": `${A}\n{`,
    });
    expect(userdata).toBe("#cloud-config\n");
    expect(metadata?.keys).toEqual([A]);
  });

  test("recognises its machines by their vendor", () => {
    expect(hetzner.recognises({ ...NO_PLATFORM, dmi: { sys_vendor: "Hetzner" } })).toBe(true);
    expect(hetzner.recognises(NO_PLATFORM)).toBe(false);
  });
});
