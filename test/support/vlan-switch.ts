import { createServer, type Server, type Socket } from "node:net";

/** A switch with two ports, for QEMU's `-netdev socket,connect=`: a trunk, and an access port of one VLAN. */
export interface VlanSwitch extends AsyncDisposable {
  /** TCP port on loopback, for a card that tags its frames. */
  readonly trunk: number;
  /** TCP port on loopback, for a network without tags. */
  readonly access: number;
  /** The frames from the trunk that belong to the VLAN, and the others, which go nowhere. */
  readonly counts: { passed: number; dropped: number };
}

const DOT1Q = 0x8100;
/** Both MAC addresses; the type or tag follows. */
const ADDRESSES = 12;
const TAG = 4;

/** Starts a switch whose access port belongs to the VLAN `id`. Each port takes one connection. */
export async function startVlanSwitch(id: number): Promise<VlanSwitch> {
  const counts = { passed: 0, dropped: 0 };
  const [trunk, access] = [await openPort(), await openPort()];
  const fromTrunk = (frame: Buffer): Buffer | undefined => {
    const plain = withoutTag(frame, id);
    counts[plain === undefined ? "dropped" : "passed"]++;
    return plain;
  };
  connect(trunk, access, fromTrunk);
  connect(access, trunk, (frame) => withTag(frame, id));
  return {
    trunk: trunk.number,
    access: access.number,
    counts,
    [Symbol.asyncDispose]: async () => {
      for (const port of [trunk, access]) {
        port.peer?.destroy();
        await new Promise((resolve) => port.server.close(resolve));
      }
    },
  };
}

/** The frame as IEEE 802.1Q has it in a VLAN, with priority 0. */
export function withTag(frame: Buffer, id: number): Buffer {
  const tag = Buffer.alloc(TAG);
  tag.writeUInt16BE(DOT1Q, 0);
  tag.writeUInt16BE(id, 2);
  return Buffer.concat([frame.subarray(0, ADDRESSES), tag, frame.subarray(ADDRESSES)]);
}

/** The frame without its tag; undefined if it is not in the VLAN. */
export function withoutTag(frame: Buffer, id: number): Buffer | undefined {
  if (frame.length < ADDRESSES + TAG || frame.readUInt16BE(ADDRESSES) !== DOT1Q) return undefined;
  if ((frame.readUInt16BE(ADDRESSES + 2) & 0x0fff) !== id) return undefined;
  return Buffer.concat([frame.subarray(0, ADDRESSES), frame.subarray(ADDRESSES + TAG)]);
}

interface Port {
  readonly server: Server;
  readonly number: number;
  peer: Socket | undefined;
}

async function openPort(): Promise<Port> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: 0, host: "127.0.0.1" }, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("No TCP port to be had on loopback");
  return { server, number: address.port, peer: undefined };
}

/** Passes the frames that arrive at a port on to another one, which also sets the pace. */
function connect(from: Port, to: Port, change: (frame: Buffer) => Buffer | undefined): void {
  from.server.on("connection", (socket) => {
    from.peer = socket.setNoDelay();
    let rest: Buffer = Buffer.alloc(0);
    socket.on("error", () => undefined); // the machine has ended
    socket.on("data", (chunk: Buffer) => {
      const [frames, unfinished] = splitFrames(Buffer.concat([rest, chunk]));
      rest = unfinished;
      const changed = frames.flatMap((frame) => change(frame) ?? []).flatMap(framed);
      const { peer } = to;
      if (peer === undefined || changed.length === 0 || peer.write(Buffer.concat(changed))) return;
      socket.pause();
      peer.once("drain", () => socket.resume());
    });
  });
}

/** QEMU sends the length of each frame before it, in 32 bits (net/socket.c). */
function splitFrames(data: Buffer): [frames: Buffer[], unfinished: Buffer] {
  const frames: Buffer[] = [];
  let at = 0;
  while (data.length >= at + 4) {
    const end = at + 4 + data.readUInt32BE(at);
    if (end > data.length) break;
    frames.push(data.subarray(at + 4, end));
    at = end;
  }
  return [frames, data.subarray(at)];
}

function framed(frame: Buffer): Buffer[] {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(frame.length);
  return [length, frame];
}
