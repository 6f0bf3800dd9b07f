import { expect, test } from "bun:test";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { startVlanSwitch, withoutTag, withTag } from "../../support/vlan-switch.ts";

const ADDRESSES = "525400123456" + "525400123457";
const PLAIN = Buffer.from(`${ADDRESSES}0800abcd`, "hex");
const TAGGED = Buffer.from(`${ADDRESSES}810000050800abcd`, "hex");

test("withTag() and withoutTag() are each other's reverse", () => {
  expect(withTag(PLAIN, 5)).toEqual(TAGGED);
  expect(withoutTag(TAGGED, 5)).toEqual(PLAIN);
});

test("withoutTag() ignores the priority, and refuses other VLANs and what has no tag", () => {
  expect(withoutTag(Buffer.from(`${ADDRESSES}810060050800abcd`, "hex"), 5)).toEqual(PLAIN);
  for (const frame of [TAGGED.subarray(0, 14), PLAIN]) expect(withoutTag(frame, 5)).toBeUndefined();
  expect(withoutTag(TAGGED, 6)).toBeUndefined();
});

test("startVlanSwitch() strips tags in one direction and adds them in the other, wherever a packet ends", async () => {
  await using vlan = await startVlanSwitch(5);
  const [trunk, access] = [await open(vlan.trunk), await open(vlan.access)];
  const stream = Buffer.concat([PLAIN, TAGGED, TAGGED].flatMap((frame) => [length(frame), frame]));
  const end = stream.length - TAGGED.length - 2; // in the length of the last frame
  trunk.write(stream.subarray(0, end));
  expect(await read(access, PLAIN.length)).toEqual(PLAIN);
  expect(vlan.counts).toEqual({ passed: 1, dropped: 1 });
  trunk.write(stream.subarray(end));
  expect(await read(access, PLAIN.length)).toEqual(PLAIN);
  access.write(Buffer.concat([length(PLAIN), PLAIN]));
  expect(await read(trunk, TAGGED.length)).toEqual(TAGGED);
});

async function open(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

function length({ length: bytes }: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(bytes);
  return header;
}

/** The next frame of a socket, without the length before it. */
async function read(socket: Socket, bytes: number): Promise<Buffer> {
  let data: Buffer = Buffer.alloc(0);
  while (data.length < 4 + bytes) data = Buffer.concat([data, ...(await once(socket, "data"))]);
  return data.subarray(4);
}
