import { describe, expect, test } from "bun:test";
import type { Metadata } from "../../../../lib/datasource/data-source.ts";
import { parseMetaData } from "../../../../lib/datasource/local/meta-data.ts";
import { noCloud } from "../../../../lib/datasource/local/nocloud.ts";
import { type TestAccessOptions, testAccess, userdataOf } from "../../../support/access.ts";

const CONFIG = "#cloud-config\nhostname: node\n";
const META = "instance-id: i-1\nlocal-hostname: node-1\npublic-keys:\n- ssh-ed25519 AAAA a\n";
const DEVICE = { path: "/dev/vdb", label: "CIDATA", type: "vfat" };
const SEED = "http://10.0.2.2:8000/";

interface Found {
  readonly metadata: Metadata | undefined;
  readonly userdata: string | undefined;
  readonly notes: string;
  readonly asked: readonly string[];
}

async function read(options: TestAccessOptions): Promise<Found> {
  using access = testAccess(options);
  const metadata = await noCloud.read(access);
  return { metadata, userdata: userdataOf(metadata), notes: access.notes.join("\n"), asked: access.asked };
}

describe("nocloud", () => {
  test("reads a labelled file system without the network", async () => {
    const { metadata, userdata, notes, asked } = await read({
      platform: { devices: [DEVICE] },
      volumes: {
        "/dev/vdb": { "user-data": CONFIG, "meta-data": META, "vendor-data": "x", "network-config": "y" },
      },
    });
    expect(userdata).toBe(CONFIG);
    expect(metadata).toMatchObject({
      instanceId: "i-1",
      localHostname: "node-1",
      keys: ["ssh-ed25519 AAAA a"],
    });
    expect(notes).toContain("/dev/vdb: vendor-data is not used");
    expect(notes).toContain("/dev/vdb: network-config is not used");
    expect(asked).toEqual([]);
  });

  test("is content with one of the two files", async () => {
    const platform = { devices: [DEVICE] };
    expect((await read({ platform, volumes: { "/dev/vdb": { "user-data": CONFIG } } })).userdata).toBe(
      CONFIG,
    );
    const { metadata } = await read({ platform, volumes: { "/dev/vdb": { "meta-data": META } } });
    expect(metadata?.localHostname).toBe("node-1");
    expect((await read({ platform, volumes: { "/dev/vdb": { other: "" } } })).metadata).toBeUndefined();
  });

  test("takes the last of several labelled devices that holds a seed", async () => {
    const devices = ["/dev/vdb", "/dev/vdc", "/dev/vdd"].map((path) => ({ ...DEVICE, path }));
    const { userdata } = await read({
      platform: { devices },
      volumes: {
        "/dev/vdb": { "user-data": "b" },
        "/dev/vdc": { "user-data": "c" },
        "/dev/vdd": { other: "" },
      },
    });
    expect(userdata).toBe("c");
  });

  test("does not lose user data over broken meta-data", async () => {
    for (const meta of ["a: [", "- list\n", "just text", "local-hostname: [a]\n", "\0\xff"]) {
      const { userdata, notes } = await read({
        platform: { devices: [DEVICE] },
        volumes: { "/dev/vdb": { "user-data": CONFIG, "meta-data": meta } },
      });
      expect(userdata).toBe(CONFIG);
      expect(notes).toContain("/dev/vdb: meta-data: ");
    }
  });

  test.each(["nocloud", "nocloud-net"])("reads the seed directory %s", async (name) => {
    const files = { [`/var/lib/cloud/seed/${name}/user-data`]: CONFIG };
    expect((await read({ files })).userdata).toBe(CONFIG);
  });

  test.each([
    ["the kernel command line", { words: ["quiet", `ds=nocloud;s=${SEED};h=line;i=i-2`] }],
    ["the serial number", { dmi: { product_serial: `ds=nocloud-net;seedfrom=${SEED};h=line;i=i-2` } }],
  ])("fetches the seed that %s names", async (_, platform) => {
    const { metadata, userdata, asked } = await read({
      platform,
      urls: { [`${SEED}user-data`]: CONFIG, [`${SEED}meta-data`]: META },
    });
    expect(asked).toEqual([`${SEED}user-data`, `${SEED}meta-data`]);
    expect(userdata).toBe(CONFIG);
    expect(metadata).toMatchObject({ localHostname: "line", instanceId: "i-2" });
  });

  test("merges as cloud-init does: the first meta-data counts, and the last user data", async () => {
    const { metadata, userdata } = await read({
      platform: {
        dmi: { product_serial: "ds=nocloud;h=serial" },
        words: ["ds=nocloud;h=cmdline;i=cmdline"],
        devices: [DEVICE],
      },
      files: {
        "/var/lib/cloud/seed/nocloud/user-data": "directory",
        "/var/lib/cloud/seed/nocloud/meta-data": "hostname: directory\n",
      },
      volumes: { "/dev/vdb": { "user-data": "disk", "meta-data": "hostname: disk\npublic-keys: k\n" } },
    });
    expect(userdata).toBe("disk");
    expect(metadata).toMatchObject({
      localHostname: "serial",
      instanceId: "cmdline",
      hostname: "directory",
      keys: ["k"],
    });
  });

  test("lets a seed replace the user data of all other places", async () => {
    const platform = { words: [`ds=nocloud;s=${SEED}`], devices: [DEVICE] };
    const volumes = { "/dev/vdb": { "user-data": "disk", "meta-data": META } };
    const found = await read({ platform, volumes, urls: { [`${SEED}user-data`]: CONFIG } });
    expect(found.userdata).toBe(CONFIG);
    expect(found.metadata?.localHostname).toBe("node-1");
  });

  test("does not lose the user data of a seed whose meta-data cannot be had", async () => {
    const urls = { [`${SEED}user-data`]: CONFIG, [`${SEED}meta-data`]: 500 };
    const { userdata, notes } = await read({ platform: { words: [`ds=nocloud;s=${SEED}`] }, urls });
    expect(userdata).toBe(CONFIG);
    expect(notes).toContain("status 500");
  });

  test("puts names of the firmware into the URL", async () => {
    const { asked, notes } = await read({
      platform: {
        dmi: { product_uuid: "1234-AB", product_serial: "s/1 x" },
        words: ["ds=nocloud;s=http://h/__dmi.system-uuid__/__dmi.system-serial-number__/__dmi.no-such__/"],
      },
      urls: { "http://h/1234-AB/s%2F1%20x//user-data": CONFIG },
    });
    expect(asked[0]).toBe("http://h/1234-AB/s%2F1%20x//user-data");
    expect(notes).toContain("__dmi.no-such__");
  });

  test.each(["/seed/", "file:///seed/"])("reads the seed of the path %s", async (from) => {
    const files = { "/seed/user-data": CONFIG };
    expect((await read({ platform: { words: [`ds=nocloud;s=${from}`] }, files })).userdata).toBe(CONFIG);
  });

  test.each([
    ["http://user:secret@h/x", 'The seed "http://***@h/x" must end in "/"'],
    ["ftp://h/", "expected an http or https URL, or a path"],
    ["/none/", 'The seed "/none/" holds neither user-data nor meta-data'],
    ["http://h/", 'The seed "http://h/" holds neither user-data nor meta-data'],
  ])("refuses the seed %s", async (from, message) => {
    await expect(read({ platform: { words: [`ds=nocloud;s=${from}`] } })).rejects.toThrow(message);
  });

  test("names parts of a line that mean nothing", async () => {
    const { metadata, notes } = await read({ platform: { words: ["ds=nocloud;;h=a;x=1;i"] } });
    expect(metadata).toEqual({ localHostname: "a" });
    expect(notes).toBe('ds=nocloud: "x"\nds=nocloud: "i" without a value');
  });

  test("is not there without any of this", async () => {
    const words = ["ds=nocloudy;h=a", "ds=ec2", "xds=nocloud"];
    expect((await read({ platform: { words } })).metadata).toBeUndefined();
  });

  test("recognises a line or a label", () => {
    const none = { dmi: {}, hypervisorUuid: "", words: [], devices: [], firmwareConfig: [] };
    expect(noCloud.recognises(none)).toBe(false);
    expect(noCloud.recognises({ ...none, words: ["ds=nocloud"] })).toBe(true);
    expect(noCloud.recognises({ ...none, dmi: { product_serial: "x ds=nocloud;h=a" } })).toBe(true);
    expect(noCloud.recognises({ ...none, devices: [{ ...DEVICE, label: "Cidata" }] })).toBe(true);
  });
});

describe("parseMetaData()", () => {
  async function parse(text: string) {
    using access = testAccess();
    return { ...(await parseMetaData(Buffer.from(text), "x", access)), notes: access.notes };
  }

  test.each([
    ["public-keys: a b\n", ["a b"]],
    ["public-keys: [a, b]\n", ["a", "b"]],
    ["public-keys: {me: a, you: [b]}\n", ["a", "b"]],
    ['{"public-keys": {"0": {"openssh-key": "a", "_name": "0=x"}}}', ["a"]],
    ["public-keys: |\n  a\n  b\n", ["a", "b"]],
  ])("reads the keys of %p", async (text, keys) => {
    expect(await parse(text)).toEqual({ keys, notes: [] });
  });

  test("takes texts as they are written", async () => {
    expect(await parse("instance-id: 0644\nlocal-hostname: 1e3\n")).toEqual({
      instanceId: "0644",
      localHostname: "1e3",
      notes: [],
    });
  });

  test.each(["", "\n", "# nothing\n", "local-hostname:\n"])("takes %p for nothing", async (text) => {
    expect(await parse(text)).toEqual({ notes: [] });
  });
});
