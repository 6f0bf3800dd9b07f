import { createSocket } from "node:dgram";

/** A network card of a node beside that of the user-mode network, on a cable between two machines. */
export interface Card {
  readonly address: string;
  /** Arguments of QEMU. */
  readonly extra: readonly string[];
  /** The file that gives the card its address. */
  readonly file: { readonly path: string; readonly content: string };
}

/** The two ends of a cable: datagrams, so that either machine can end and start again. */
export async function makeCable(): Promise<readonly [Card, Card]> {
  const [a, b] = [await freeDatagramPort(), await freeDatagramPort()];
  const card = (number: number, own: number, other: number): Card => {
    const [address, mac] = [`192.168.77.${number}`, `52:54:00:77:00:0${number}`];
    const netdev = `socket,id=cable,udp=127.0.0.1:${other},localaddr=127.0.0.1:${own}`;
    return {
      address,
      extra: ["-netdev", netdev, "-device", `virtio-net-pci,netdev=cable,mac=${mac},romfile=`],
      file: {
        path: "/var/lib/connman/cable.config",
        content: `[service_cable]\nType=ethernet\nMAC=${mac}\nIPv4=${address}/255.255.255.0\nIPv6=off\n`,
      },
    };
  };
  return [card(1, a, b), card(2, b, a)];
}

async function freeDatagramPort(): Promise<number> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}
