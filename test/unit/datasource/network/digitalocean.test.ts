import { describe, expect, test } from "bun:test";
import { digitalocean, digitaloceanAt } from "../../../../lib/datasource/network/digitalocean.ts";
import { NO_PLATFORM, readCloud, readingFailure } from "../../../support/cloud.ts";
import { makeKey } from "../../../support/ssh-key.ts";

const A = makeKey("ssh-ed25519", "a");
const DROPLET = {
  droplet_id: 2756294,
  hostname: "sample-droplet",
  user_data: "#cloud-config\n",
  public_keys: [A, "rubbish"],
  region: "nyc3",
  interfaces: {
    public: [{ ipv4: { ip_address: "192.0.2.5" } }],
    private: [{ ipv4: { ip_address: "10.132.0.5" } }],
  },
};

describe("digitalocean", () => {
  test("reads all from one document", async () => {
    const routes = { "/metadata/v1.json": JSON.stringify(DROPLET) };
    const { metadata, userdata, record } = await readCloud(digitaloceanAt, routes);
    expect(userdata).toBe("#cloud-config\n");
    expect(metadata).toMatchObject({
      keys: [A],
      hostname: "sample-droplet",
      instanceId: "2756294",
      facts: { public_ipv4: "192.0.2.5", private_ipv4: "10.132.0.5", region: "nyc3", id: "2756294" },
    });
    expect(record.ignored).toEqual(["keys: 1 of 2 lines are not SSH public keys"]);
  });

  test("takes what there is of a document whose fields are missing or of another kind", async () => {
    const odd = { user_data: "x", public_keys: { a: 1 }, interfaces: [], hostname: ["h"] };
    const { metadata, userdata } = await readCloud(digitaloceanAt, {
      "/metadata/v1.json": JSON.stringify(odd),
    });
    expect(userdata).toBe("x");
    expect(Object.keys(metadata ?? {})).toEqual(["userdata"]);
  });

  test("fails on a web page", async () => {
    const routes = { "/metadata/v1.json": "<!DOCTYPE html><html>log in</html>" };
    expect(await readingFailure(readCloud(digitaloceanAt, routes))).toContain(
      "found a web page, expected metadata",
    );
  });

  test("recognises its machines by their vendor", () => {
    expect(digitalocean.recognises({ ...NO_PLATFORM, dmi: { sys_vendor: "DigitalOcean" } })).toBe(true);
    expect(digitalocean.recognises(NO_PLATFORM)).toBe(false);
  });
});
