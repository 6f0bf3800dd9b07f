import { describe, expect, test } from "bun:test";
import { aws, awsAt } from "../../../../lib/datasource/network/aws.ts";
import { NO_PLATFORM, type Routes, readCloud, readingFailure } from "../../../support/cloud.ts";
import { makeKey } from "../../../support/ssh-key.ts";

const [A, B] = [makeKey("ssh-ed25519", "a"), makeKey("ecdsa-sha2-nistp256", "b")];
const TOKEN = "AQAEAJ-secret-token==";

const TREE: Routes = {
  "/latest/user-data": "#cloud-config\nhostname: x\n",
  "/latest/meta-data/hostname": "ip-10-0-0-7.ec2.internal",
  "/latest/meta-data/local-hostname": "ip-10-0-0-7",
  "/latest/meta-data/instance-id": "i-0123456789",
  "/latest/meta-data/instance-type": "t3.small",
  "/latest/meta-data/local-ipv4": "10.0.0.7",
  "/latest/meta-data/public-ipv4": "192.0.2.7",
  "/latest/meta-data/placement/availability-zone": "eu-central-1a",
  "/latest/meta-data/public-keys/": "0=first\n1=second key\n",
  "/latest/meta-data/public-keys/0/openssh-key": `${A}\n`,
  "/latest/meta-data/public-keys/1/openssh-key": `${B}\r\n`,
};

/** The tree, for who has a token. */
function guarded(token: () => string): Routes {
  const routes = Object.entries(TREE).map(([path, reply]): [string, Routes[string]] => [
    path,
    (request, response) => {
      const isGood = request.headers["x-aws-ec2-metadata-token"] === token();
      response.writeHead(isGood ? 200 : 401).end(isGood ? reply : "");
    },
  ]);
  return { ...Object.fromEntries(routes), "PUT /latest/api/token": (_, response) => response.end(token()) };
}

describe("aws", () => {
  test("asks with a session token, and takes all keys", async () => {
    const { metadata, userdata, paths, requests } = await readCloud(
      awsAt,
      guarded(() => TOKEN),
    );
    expect(userdata).toBe("#cloud-config\nhostname: x\n");
    expect(metadata).toMatchObject({
      keys: [A, B],
      hostname: "ip-10-0-0-7.ec2.internal",
      localHostname: "ip-10-0-0-7",
      instanceId: "i-0123456789",
      facts: {
        instance_type: "t3.small",
        local_ipv4: "10.0.0.7",
        public_ipv4: "192.0.2.7",
        availability_zone: "eu-central-1a",
      },
    });
    expect(paths[0]).toBe("PUT /latest/api/token");
    expect(requests[0]?.headers["x-aws-ec2-metadata-token-ttl-seconds"]).toBe("21600");
    expect(paths.filter((path) => path.includes("iam"))).toEqual([]);
  });

  test("shows the token in no log and no record", async () => {
    const { logged, record } = await readCloud(
      awsAt,
      guarded(() => TOKEN),
    );
    expect(JSON.stringify([logged, record])).not.toContain(TOKEN);
  });

  test("fetches a new token when one has run out, once for all that wait", async () => {
    let tokens = 0;
    const routes: Routes = {
      ...guarded(() => "second"),
      "PUT /latest/api/token": (_, response) => response.end(tokens++ === 0 ? "first" : "second"),
    };
    const { metadata, paths } = await readCloud(awsAt, routes);
    expect(metadata?.instanceId).toBe("i-0123456789");
    expect(paths.filter((path) => path.startsWith("PUT"))).toHaveLength(2);
  });

  test.each([400, 404, 405])("asks without where the token is refused with %i", async (status) => {
    const { userdata, record } = await readCloud(awsAt, { ...TREE, "PUT /latest/api/token": status });
    expect(userdata).toStartWith("#cloud-config");
    expect(record.ignored).toEqual(["session tokens: the service knows none, asked without"]);
  });

  test("does not where the service is switched off for the instance", async () => {
    const reading = readCloud(awsAt, { ...TREE, "PUT /latest/api/token": 403 });
    expect(await readingFailure(reading)).toContain("status 403");
  });

  test("does not say what it took for a token", async () => {
    const reading = readCloud(awsAt, { ...TREE, "PUT /latest/api/token": "two words" });
    expect(await readingFailure(reading)).toBe("The session token is not valid");
  });

  test("loses nothing else by a field that is missing or broken", async () => {
    const { metadata, userdata, record } = await readCloud(awsAt, {
      ...TREE,
      "/latest/meta-data/hostname": 404,
      "/latest/meta-data/local-ipv4": 403,
      "/latest/meta-data/public-keys/": "0=first\nnonsense\n2=third\n",
      "/latest/meta-data/public-keys/2/openssh-key": "no key",
    });
    expect(userdata).toStartWith("#cloud-config");
    expect(metadata?.keys).toEqual([A]);
    expect(metadata?.hostname).toBeUndefined();
    expect(record.ignored.map((what) => what.split(":")[0])).toEqual([
      "session tokens",
      "keys",
      "local-ipv4",
      "keys",
    ]);
  });

  test("is not there where the tree is empty", async () => {
    expect((await readCloud(awsAt, {})).metadata).toBeUndefined();
  });

  test.each([
    [{ hypervisorUuid: "ec2e1916-9099-7caf-fd21-012345abcdef" }, true],
    [{ dmi: { product_uuid: "EC2E1916-9099-7CAF-FD21-012345ABCDEF" } }, true],
    [{ dmi: { product_uuid: "45E12AEC-DCD1-B213-94ED-012345ABCDEF" } }, true],
    [{ dmi: { sys_vendor: "Amazon EC2" } }, true],
    [{ dmi: { product_uuid: "4c4c4544-0046-3210-8051-ec2ec2ec2ec2" } }, false],
    [{}, false],
  ])("recognises %j: %p", (platform, expected) => {
    expect(aws.recognises({ ...NO_PLATFORM, ...platform })).toBe(expected);
  });
});
