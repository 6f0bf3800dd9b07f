import { describe, expect, test } from "bun:test";
import { gcp, gcpAt, keyOfLine } from "../../../../lib/datasource/network/gcp.ts";
import { NO_PLATFORM, type Routes, readCloud } from "../../../support/cloud.ts";
import { makeKey } from "../../../support/ssh-key.ts";

const [A, B, C, D] = ["a", "b", "c", "d"].map((name) => makeKey("ssh-ed25519", name));
const INSTANCE = "/computeMetadata/v1/instance";
const PROJECT = "/computeMetadata/v1/project";

/** The service answers only to who knows it. */
function flavoured(routes: Readonly<Record<string, string>>): Routes {
  return Object.fromEntries(
    Object.entries(routes).map(([path, text]): [string, Routes[string]] => [
      path,
      (request, response) => {
        response.writeHead(request.headers["metadata-flavor"] === "Google" ? 200 : 403).end(text);
      },
    ]),
  );
}

const BASIC = {
  [`${INSTANCE}/id`]: "4711",
  [`${INSTANCE}/hostname`]: "node.c.project.internal",
  [`${INSTANCE}/zone`]: "projects/1/zones/europe-west1-b",
  [`${INSTANCE}/machine-type`]: "projects/1/machineTypes/e2-small",
  [`${INSTANCE}/attributes/user-data`]: "#cloud-config\n",
  [`${INSTANCE}/attributes/ssh-keys`]: `me:${A}`,
  [`${PROJECT}/attributes/ssh-keys`]: `you:${B}\n`,
  [`${PROJECT}/attributes/sshKeys`]: `old:${C}\n`,
};

describe("gcp", () => {
  test("reads the attributes, with the keys of instance and project", async () => {
    const { metadata, userdata } = await readCloud(gcpAt, flavoured(BASIC));
    expect(userdata).toBe("#cloud-config\n");
    expect(metadata).toMatchObject({
      keys: [A, B, C],
      hostname: "node.c.project.internal",
      instanceId: "4711",
      facts: { availability_zone: "europe-west1-b", instance_type: "e2-small" },
    });
  });

  test("takes no key of the project where the instance refuses them, or has keys of the old kind", async () => {
    const blocked = { ...BASIC, [`${INSTANCE}/attributes/block-project-ssh-keys`]: "TRUE" };
    expect((await readCloud(gcpAt, flavoured(blocked))).metadata?.keys).toEqual([A ?? ""]);
    const old = { ...BASIC, [`${INSTANCE}/attributes/sshKeys`]: `me:${D}` };
    expect((await readCloud(gcpAt, flavoured(old))).metadata?.keys).toEqual([D ?? "", A ?? ""]);
  });

  test("decodes base64 where the instance says so, and keeps what it cannot decode", async () => {
    const encoding = `${INSTANCE}/attributes/user-data-encoding`;
    const data = `${INSTANCE}/attributes/user-data`;
    const read = async (routes: Readonly<Record<string, string>>) =>
      (await readCloud(gcpAt, flavoured({ ...BASIC, ...routes }))).userdata;
    expect(await read({ [data]: "I2Nsb3Vk\n", [encoding]: "base64" })).toBe("#cloud");
    expect(await read({ [data]: "#plain", [encoding]: "base64" })).toBe("#plain");
    expect(await read({ [data]: "I2Nsb3Vk", [encoding]: "rot13" })).toBe("I2Nsb3Vk");
  });

  test("is not there where the service knows no such tree", async () => {
    expect((await readCloud(gcpAt, {})).metadata).toBeUndefined();
  });

  test.each([
    [{ product_name: "Google Compute Engine" }, true],
    [{ product_serial: "GoogleCloud-0123" }, true],
    [{ product_name: "Google" }, false],
  ])("recognises %j: %p", (dmi, expected) => {
    expect(gcp.recognises({ ...NO_PLATFORM, dmi })).toBe(expected);
  });
});

describe("keyOfLine()", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  const google = (date: string) => `${A} google-ssh {"userName":"me@x","expireOn":"${date}"}`;

  test.each([
    [`me:${A}`, A],
    [A ?? "", A],
    [`me:${google("2026-01-01T00:00:01+0000")}`, google("2026-01-01T00:00:01+0000")],
    [`me:${google("2025-12-31T23:59:59+0000")}`, undefined],
    [`me:${google("2026-01-01T00:30:00+0100")}`, undefined],
    ["", undefined],
  ])("takes from %p %p", (line, key) => {
    expect(keyOfLine(line, now)).toBe(key);
  });
});
