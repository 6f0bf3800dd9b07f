import { describe, expect, test } from "bun:test";
import { parseConf, scaleway, scalewayAt } from "../../../../lib/datasource/network/scaleway.ts";
import { NO_PLATFORM, type Routes, readCloud, readingFailure } from "../../../support/cloud.ts";
import { makeKey } from "../../../support/ssh-key.ts";

const [A, B] = [makeKey("ssh-ed25519", "a"), makeKey("ssh-rsa", "b")];
const CONF = `ID=5a5a
HOSTNAME=scw-node
LOCATION_ZONE_ID=par1
PUBLIC_IP_ADDRESS=192.0.2.4
TAGS=1
TAGS_0=AUTHORIZED_KEY=${B.replaceAll(" ", "_")}
SSH_PUBLIC_KEYS=1
SSH_PUBLIC_KEYS_0_KEY='${A}'
SSH_PUBLIC_KEYS_0_FINGERPRINT='2048 aa:bb'
`;

/** Answers only to privileged ports, after `refusals` times of saying that it is asked too often. */
function privileged(refusals = 0): Routes[string] {
  let asked = 0;
  return (request, response) => {
    const port = request.socket.remotePort ?? 65_535;
    if (port >= 1024) response.writeHead(403).end();
    else response.writeHead(asked++ < refusals ? 429 : 200).end("#cloud-config\n");
  };
}

/** Runs without root too, where no privileged port is to be had. */
const isRoot = process.getuid?.() === 0;

describe("scaleway", () => {
  test("reads the configuration though it has no private address, and the keys of tags", async () => {
    const { metadata } = await readCloud(scalewayAt, { "/conf": CONF, "/user_data/cloud-init": 404 });
    if (!isRoot) return;
    expect(metadata).toEqual({
      keys: [B, A],
      hostname: "scw-node",
      instanceId: "5a5a",
      facts: { instance_location: "par1", public_ip: "192.0.2.4" },
    });
  });

  test("fetches user data from a privileged port", async () => {
    if (!isRoot) return;
    const { userdata } = await readCloud(scalewayAt, {
      "/conf": CONF,
      "/user_data/cloud-init": privileged(),
    });
    expect(userdata).toBe("#cloud-config\n");
  });

  test("tries another port after status 429", async () => {
    if (!isRoot) return;
    const routes = { "/conf": CONF, "/user_data/cloud-init": privileged(2) };
    const { userdata, requests } = await readCloud(scalewayAt, routes);
    expect(userdata).toBe("#cloud-config\n");
    expect(requests).toHaveLength(4);
  });

  test("fails where the user data is refused", async () => {
    if (!isRoot) return;
    const routes = { "/conf": CONF, "/user_data/cloud-init": 403 };
    expect(await readingFailure(readCloud(scalewayAt, routes))).toContain("status 403");
  });

  test("recognises its machines by vendor or the kernel's command line", () => {
    expect(scaleway.recognises({ ...NO_PLATFORM, dmi: { sys_vendor: "Scaleway" } })).toBe(true);
    expect(scaleway.recognises({ ...NO_PLATFORM, words: ["scaleway"] })).toBe(true);
    expect(scaleway.recognises(NO_PLATFORM)).toBe(false);
  });
});

test("parseConf() takes quotes off, and passes over what is no assignment", () => {
  expect([...parseConf("A=1\r\nB='x y'\nC=\"q\"\nnonsense\nD='open\n<html>=\n")]).toEqual([
    ["A", "1"],
    ["B", "x y"],
    ["C", "q"],
    ["D", "'open"],
  ]);
});
