import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { vmware } from "../../../../lib/datasource/local/vmware.ts";
import { testAccess, userdataOf } from "../../../support/access.ts";

const CONFIG = "#cloud-config\nhostname: node\n";
const PLATFORM = { dmi: { product_name: "VMware Virtual Platform" } };

function base64(content: string | Uint8Array): string {
  return Buffer.from(content).toString("base64");
}

async function read(
  values: Readonly<Record<string, string>>,
  options: { program?: string; platform?: typeof PLATFORM | undefined } = {},
) {
  const { program = "vmware-rpctool", platform = PLATFORM } = options;
  using access = testAccess({
    platform,
    answer: (argv) => {
      if (argv[0] !== program) throw new Error(`Cannot run ${argv[0]}: ENOENT`);
      const key = /^info-get guestinfo\.(.*)$/.exec(argv.at(-1) ?? "")?.[1] ?? "";
      const value = values[key];
      return value === undefined ? { code: 1, stderr: "No value found\n" } : { stdout: `${value}\n` };
    },
  });
  const metadata = await vmware.read(access);
  return { metadata, userdata: userdataOf(metadata), notes: access.notes.join("\n") };
}

describe("vmware", () => {
  test.each([
    [undefined, CONFIG],
    ["", CONFIG],
    ["base64", base64(CONFIG)],
    ["b64", base64(CONFIG).replaceAll(/(.{10})/g, "$1\n")],
    ["gzip+base64", base64(gzipSync(CONFIG))],
    ["gz+b64", base64(gzipSync(CONFIG))],
  ])("reads user data in the encoding %p", async (encoding, value) => {
    const values = encoding === undefined ? {} : { "userdata.encoding": encoding };
    expect((await read({ userdata: value, ...values })).userdata).toBe(CONFIG);
  });

  test("leaves user data alone that was compressed before it was encoded", async () => {
    const twice = base64(gzipSync(gzipSync(CONFIG)));
    const { metadata } = await read({ userdata: twice, "userdata.encoding": "gzip+base64" });
    expect([...(metadata?.userdata ?? [])].slice(0, 2)).toEqual([0x1f, 0x8b]);
  });

  test("reads meta-data", async () => {
    const { metadata } = await read({
      metadata: base64("instance-id: i-1\nlocal-hostname: node-1\n"),
      "metadata.encoding": "base64",
    });
    expect(metadata).toEqual({ instanceId: "i-1", localHostname: "node-1" });
  });

  test("asks vmtoolsd where there is no vmware-rpctool", async () => {
    expect((await read({ userdata: CONFIG }, { program: "vmtoolsd" })).userdata).toBe(CONFIG);
  });

  test.each(["", " ", "---"])("takes the value %p for unset", async (value) => {
    expect((await read({ userdata: value, metadata: value })).metadata).toBeUndefined();
  });

  test.each([
    ["rot13", "x", 'found the encoding "rot13"'],
    ["base64", "?", "expected base64"],
    ["gzip+base64", base64("text"), "Cannot read guestinfo.userdata"],
  ])("refuses user data in %s that is none", async (encoding, value, message) => {
    const failure = await read({ userdata: value, "userdata.encoding": encoding }).catch((error) => error);
    expect(`${failure} ${failure.cause}`).toContain(message);
  });

  test("does not lose user data over broken meta-data", async () => {
    const { userdata, notes } = await read({ userdata: CONFIG, metadata: "?", "metadata.encoding": "b64" });
    expect(userdata).toBe(CONFIG);
    expect(notes).toContain("Cannot read guestinfo.metadata: expected base64");
  });

  test("is an error without a program only where the machine is one of VMware's", async () => {
    await expect(read({}, { program: "none" })).rejects.toThrow("neither vmware-rpctool nor vmtoolsd");
    const other = { dmi: { product_name: "KVM" } };
    expect((await read({}, { program: "none", platform: other })).metadata).toBeUndefined();
  });
});
