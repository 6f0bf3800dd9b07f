import { describe, expect, test } from "bun:test";
import { azure, azureAt } from "../../../../lib/datasource/network/azure.ts";
import { NO_PLATFORM, readCloud } from "../../../support/cloud.ts";
import { makeKey } from "../../../support/ssh-key.ts";

const A = makeKey("ssh-rsa", "a");
const DMI = { chassis_asset_tag: "7783-7084-3265-9085-8269-3286-77" };
const NEW = "/metadata/instance?api-version=2021-08-01&extended=true";
const OLD = "/metadata/instance?api-version=2019-06-01";
const USERDATA = "/metadata/instance/compute/userData?api-version=2021-01-01&format=text";
const INSTANCE = JSON.stringify({
  compute: {
    vmId: "02aab8a4",
    name: "vm",
    osProfile: { computerName: "node" },
    location: "westeurope",
    vmSize: "Standard_B1s",
    publicKeys: [{ keyData: `${A.slice(0, 20)}\r\n${A.slice(20)}\r\n`, path: "/home/rancher" }, {}],
  },
  network: {
    interface: [{ ipv4: { ipAddress: [{ privateIpAddress: "10.0.0.4", publicIpAddress: "192.0.2.6" }] } }],
  },
});

describe("azure", () => {
  test("reads the instance, keys that are wrapped, and user data", async () => {
    const { metadata, userdata, requests } = await readCloud(azureAt, {
      [NEW]: INSTANCE,
      [USERDATA]: Buffer.from("#cloud-config\n").toString("base64"),
    });
    expect(userdata).toBe("#cloud-config\n");
    expect(requests.every(({ headers }) => headers.metadata === "true")).toBe(true);
    expect(metadata).toMatchObject({
      keys: [A],
      hostname: "node",
      instanceId: "02aab8a4",
      facts: { local_ipv4: "10.0.0.4", public_ipv4: "192.0.2.6", instance_type: "Standard_B1s" },
    });
  });

  test("asks in the older way where the newer one is not known, and does without user data there", async () => {
    const { metadata } = await readCloud(azureAt, { [NEW]: 400, [OLD]: INSTANCE, [USERDATA]: 400 });
    expect(metadata?.hostname).toBe("node");
    expect(metadata?.userdata).toBeUndefined();
  });

  test("waits for a service that is not ready, on a machine of its own", async () => {
    let asked = 0;
    const routes = {
      [NEW]: (_: unknown, response: { writeHead(status: number): { end(text: string): void } }) => {
        response.writeHead([404, 410, 429, 500][asked++] ?? 200).end(INSTANCE);
      },
    };
    expect((await readCloud(azureAt, routes, { dmi: DMI })).metadata?.hostname).toBe("node");
    expect(asked).toBe(5);
    expect((await readCloud(azureAt, {})).metadata).toBeUndefined();
  });

  test("recognises its machines by their asset tag", () => {
    expect(azure.recognises({ ...NO_PLATFORM, dmi: DMI })).toBe(true);
    expect(azure.recognises(NO_PLATFORM)).toBe(false);
  });
});
