import { describe, expect, test } from "bun:test";
import { kvm } from "../../../../lib/datasource/local/kvm.ts";
import { testAccess, userdataOf } from "../../../support/access.ts";

const CONFIG = "#cloud-config\n";
const DIRECTORY = "/sys/firmware/qemu_fw_cfg/by_name";

async function read(items: Readonly<Record<string, string>>, sizes: Readonly<Record<string, number>> = {}) {
  const files = Object.entries(items).flatMap(([name, content]) => [
    [`${DIRECTORY}/${name}/raw`, content],
    [`${DIRECTORY}/${name}/size`, `${sizes[name] ?? Buffer.byteLength(content)}\n`],
  ]);
  using access = testAccess({
    platform: { firmwareConfig: Object.keys(items) },
    files: Object.fromEntries(files) as Record<string, string>,
  });
  const metadata = await kvm.read(access);
  return { metadata, userdata: userdataOf(metadata), notes: access.notes.join("\n") };
}

describe("kvm", () => {
  test("reads user data, host name and keys", async () => {
    const { metadata, userdata } = await read({
      "opt/k3os/userdata": CONFIG,
      "opt/k3os/hostname": "node-1\n",
      "opt/k3os/authorized_keys": "ssh-ed25519 AAAA a\nssh-ed25519 AAAB b\n",
    });
    expect(userdata).toBe(CONFIG);
    expect(metadata?.hostname).toBe("node-1");
    expect(metadata?.keys?.slice(0, 2)).toEqual(["ssh-ed25519 AAAA a", "ssh-ed25519 AAAB b"]);
  });

  test("takes opt/k3os/config for user data", async () => {
    expect((await read({ "opt/k3os/config": CONFIG })).userdata).toBe(CONFIG);
    const both = { "opt/k3os/config": "other", "opt/k3os/userdata": CONFIG };
    expect((await read(both)).userdata).toBe(CONFIG);
  });

  test("reads a large item whole", async () => {
    const large = "x".repeat(1 << 20);
    expect((await read({ "opt/k3os/userdata": large })).userdata).toBe(large);
  });

  test.each([1, 99, 1 << 30, Number.NaN])(
    "refuses an item of 3 bytes whose size is said to be %d",
    async (size) => {
      const wrong = read({ "opt/k3os/userdata": "abc" }, { "opt/k3os/userdata": size });
      await expect(wrong).rejects.toThrow('Cannot read "opt/k3os/userdata" of the machine\'s firmware');
    },
  );

  test("does not lose user data over another item", async () => {
    const items = { "opt/k3os/userdata": CONFIG, "opt/k3os/hostname": "node" };
    const { userdata, metadata, notes } = await read(items, { "opt/k3os/hostname": 1 });
    expect(userdata).toBe(CONFIG);
    expect(metadata?.hostname).toBeUndefined();
    expect(notes).toContain("opt/k3os/hostname");
  });

  test("is not there without an item of ours", async () => {
    expect((await read({ "opt/com.coreos/config": "{}" })).metadata).toBeUndefined();
    const none = { dmi: {}, hypervisorUuid: "", words: [], devices: [] };
    expect(kvm.recognises({ ...none, firmwareConfig: ["etc/boot-fail-wait"] })).toBe(false);
    expect(kvm.recognises({ ...none, firmwareConfig: ["opt/k3os/config"] })).toBe(true);
  });
});
