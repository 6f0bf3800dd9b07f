import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { formatDiagnostic } from "../../../../lib/config/read/diagnostics.ts";
import { mergeLayers } from "../../../../lib/config/read/merge.ts";
import { readUserdata, readUserdataScript } from "../../../../lib/config/read/userdata.ts";

const EXAMPLES = join(import.meta.dirname, "../../../examples");

async function read(data: string | Uint8Array) {
  const bytes = typeof data === "string" ? Buffer.from(data) : data;
  const layers = [await readUserdata(bytes, "userdata"), await readUserdataScript(bytes, "userdata")];
  const messages = layers.flatMap(({ diagnostics }) =>
    diagnostics.map((d) => `${d.severity} ${formatDiagnostic(d)}`),
  );
  return { config: mergeLayers(layers).config, messages };
}

test.each([
  ["cloud-config", "#cloud-config\nhostname: n\n"],
  ["a configuration without a header", "hostname: n\n"],
  ["JSON", '{"hostname": "n"}'],
  ["JSON behind blank lines", '\n\n{"hostname": "n"}'],
  ["cloud-config with a byte order mark", "\ufeff#cloud-config\nhostname: n\n"],
  ["cloud-config with Windows line ends", "#cloud-config\r\nhostname: n\r\n"],
])("readUserdata() of %s, and the same in gzip", async (_, text) => {
  expect(await read(text)).toEqual({ config: { hostname: "n" }, messages: [] });
  expect(await read(gzipSync(text))).toEqual({ config: { hostname: "n" }, messages: [] });
});

test.each(["", "\n \n", "#cloud-config\n", "# only a comment\n"])(
  "readUserdata() of %p is nothing",
  async (text) => {
    expect(await read(text)).toEqual({ config: {}, messages: [] });
  },
);

test.each([
  ["plain text", "hello world\n"],
  ["text with colons", "Note: this is: a note\nx"],
  ["MIME", 'Content-Type: multipart/mixed; boundary="==x"\nMIME-Version: 1.0\n\n--==x\nhostname: n\n'],
  ["an include list", "#include\nhttps://example.com/x\n"],
  ["a cloud-config archive", "#cloud-config-archive\n- type: text/cloud-config\n  content: x\n"],
  ["an executable", Buffer.from("\x7fELF\x02\x01\x01\0\0\0\0hostname: n\n", "latin1")],
  ["gzip in gzip", gzipSync(gzipSync("hostname: n\n"))],
])("readUserdata() of %s ignores it with a warning", async (_, data) => {
  const { config, messages } = await read(data);
  expect(config).toEqual({});
  expect(messages).toHaveLength(1);
  expect(messages[0]).toMatch(/^warning userdata: found .*, expected cloud-config, JSON, a script/);
});

test.each([
  ["cloud-config with a tab", "#cloud-config\nk3os:\n\ttoken: x\n"],
  ["a configuration without a header, with a tab", "k3os:\n\ttoken: x\n"],
  ["JSON that ends early", '{"hostname": "n"'],
  ["gzip that ends early", gzipSync("hostname: n\n").subarray(0, 20)],
  ["gzip that unpacks to too much", gzipSync(Buffer.alloc(64 * 1024 * 1024))],
])("readUserdata() of %s is an error", async (_, data) => {
  const { config, messages } = await read(data);
  expect(config).toEqual({});
  expect(messages[0]).toStartWith("error userdata:");
});

test.each([
  ["#!/bin/bash\necho $0\n", "/bin/bash /run/k3os/userdata"],
  ["#! /usr/bin/env python3\n", "/usr/bin/env python3 /run/k3os/userdata"],
  ["#!/usr/bin/env -S python3 -u\n", "/usr/bin/env '-S python3 -u' /run/k3os/userdata"],
  ["#!/bin/sh -e  \nx", "/bin/sh -e /run/k3os/userdata"],
  ["#!/bin/sh\r\nx\r\n", "/bin/sh /run/k3os/userdata"],
  ["#!/opt/a'b $(x)\n", "'/opt/a'\\''b' '$(x)' /run/k3os/userdata"],
  ["#!\nx\n", "/bin/sh /run/k3os/userdata"],
])("readUserdataScript() of %p runs it by its interpreter", async (script, command) => {
  const expected = {
    writeFiles: [{ path: "/run/k3os/userdata", owner: "root", permissions: "0700", content: script }],
    runCmd: [command],
  };
  expect(await read(script)).toEqual({ config: expected, messages: [] });
  expect(await read(gzipSync(script))).toEqual({ config: expected, messages: [] });
});

test("readUserdataScript() keeps the bytes of a script that is no text", async () => {
  const script = Buffer.from("#!/bin/sh\nexit\n\0\xff\xfe", "latin1");
  const [file] = (await read(script)).config.writeFiles ?? [];
  expect(file?.encoding).toBe("b64");
  expect(Buffer.from(file?.content ?? "", "base64")).toEqual(script);
});

test.each(["user-data.yaml", "user-data.json", "user-data.sh"])(
  "readUserdata() reads the example %s",
  async (name) => {
    const { config, messages } = await read(readFileSync(join(EXAMPLES, name)));
    expect(messages).toEqual([]);
    expect(config.runCmd).toHaveLength(1);
  },
);

test("readUserdata() warns of commands that come too late, and of nothing else", async () => {
  const { messages } = await read(`#cloud-config
init_cmd: [a]
bootcmd: [b]
run_cmd: [c]
hostname: n
k3os: {data_sources: [aws], modules: [kvm], install: {silent: true}}
`);
  expect(messages).toEqual([
    "warning userdata:2:1: init_cmd: found in user data, which arrives after the phases of this key (initrd): it has no effect, expected run_cmd",
    "warning userdata:3:1: boot_cmd: found in user data, which arrives after the phases of this key (boot): it has no effect, expected run_cmd",
  ]);
});
