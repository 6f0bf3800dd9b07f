import { describe, expect, test } from "bun:test";
import { configDrive } from "../../../../lib/datasource/local/config-drive.ts";
import { testAccess, userdataOf } from "../../../support/access.ts";

const CONFIG = "#cloud-config\n";
const DEVICE = { path: "/dev/vdb", label: "config-2", type: "iso9660" };
const META = JSON.stringify({
  uuid: "83679162-1378-4288-a2d4-70e13ec132aa",
  hostname: "node.novalocal",
  availability_zone: "nova",
  public_keys: { mykey: "ssh-ed25519 AAAA a\n", other: "ssh-rsa AAAB b" },
  files: [{ path: "/etc/x", content_path: "/content/0000" }],
  launch_index: 0,
});

type Volumes = Readonly<Record<string, Readonly<Record<string, string>>>>;

async function read(volumes: Volumes) {
  const devices = Object.keys(volumes).map((path) => ({ ...DEVICE, path }));
  using access = testAccess({ platform: { devices }, volumes });
  const metadata = await configDrive.read(access);
  return { metadata, userdata: userdataOf(metadata), notes: access.notes.join("\n") };
}

describe("config-drive", () => {
  test("reads OpenStack's layout", async () => {
    const { metadata, userdata, notes } = await read({
      "/dev/vdb": {
        "openstack/latest/meta_data.json": META,
        "openstack/latest/user_data": CONFIG,
        "openstack/latest/vendor_data.json": "{}",
      },
    });
    expect(userdata).toBe(CONFIG);
    expect(metadata).toMatchObject({
      instanceId: "83679162-1378-4288-a2d4-70e13ec132aa",
      hostname: "node.novalocal",
      keys: ["ssh-ed25519 AAAA a", "ssh-rsa AAAB b"],
      facts: { instance_id: "83679162-1378-4288-a2d4-70e13ec132aa", availability_zone: "nova" },
    });
    expect(notes).toContain("vendor_data.json is not used");
    expect(notes).toContain("openstack/latest/meta_data.json: files are not used");
  });

  test("takes the version with the highest date, else latest", async () => {
    const versions = {
      "openstack/2012-08-10/user_data": "old",
      "openstack/2018-08-27/user_data": "new",
      "openstack/latest/user_data": "latest",
      "openstack/content/user_data": "no version",
    };
    expect((await read({ "/dev/vdb": versions })).userdata).toBe("new");
    expect((await read({ "/dev/vdb": { "openstack/latest/user_data": "latest" } })).userdata).toBe("latest");
  });

  test("reads EC2's layout where it is the only one", async () => {
    const { metadata, userdata } = await read({
      "/dev/vdb": {
        "ec2/latest/meta-data.json": JSON.stringify({
          "instance-id": "i-1",
          hostname: "node",
          "local-hostname": "node.local",
          "local-ipv4": "10.0.0.2",
          placement: { "availability-zone": "nova" },
          "public-keys": { "0": { "openssh-key": "ssh-ed25519 AAAA a", _name: "0=x" } },
        }),
        "ec2/latest/user-data": CONFIG,
      },
    });
    expect(userdata).toBe(CONFIG);
    expect(metadata).toMatchObject({
      instanceId: "i-1",
      localHostname: "node.local",
      keys: ["ssh-ed25519 AAAA a"],
      facts: { instance_id: "i-1", availability_zone: "nova", local_ipv4: "10.0.0.2" },
    });
  });

  test("prefers the device that was attached later", async () => {
    const drive = (text: string) => ({ "openstack/latest/user_data": text });
    expect((await read({ "/dev/vdb": drive("b"), "/dev/vdc": drive("c") })).userdata).toBe("c");
  });

  test.each(["{", "[]", "", '{"hostname": 5, "uuid": null, "public_keys": 7}'])(
    "does not lose user data over the meta-data %p",
    async (meta) => {
      const files = { "openstack/latest/meta_data.json": meta, "openstack/latest/user_data": CONFIG };
      const { userdata, notes } = await read({ "/dev/vdb": files });
      expect(userdata).toBe(CONFIG);
      expect(notes).toContain("openstack/latest/meta_data.json");
    },
  );

  test("calls a drive broken whose meta-data cannot be read, where it has nothing else", async () => {
    const drive = { "/dev/vdb": { "openstack/latest/meta_data.json": "{" } };
    await expect(read(drive)).rejects.toThrow('"openstack/latest/meta_data.json": expected a JSON object');
  });

  test("is not there on a drive with another layout", async () => {
    const { metadata, notes } = await read({ "/dev/vdb": { "user-data": CONFIG } });
    expect(metadata).toBeUndefined();
    expect(notes).toContain("/dev/vdb: holds neither openstack nor ec2");
  });

  test("recognises the label in any case", () => {
    const none = { dmi: {}, hypervisorUuid: "", words: [], firmwareConfig: [] };
    const recognises = (label: string) =>
      configDrive.recognises({ ...none, devices: [{ ...DEVICE, label }] });
    expect(["config-2", "CONFIG-2", "cidata", ""].map(recognises)).toEqual([true, true, false, false]);
  });
});
