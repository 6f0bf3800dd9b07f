import { expect, test } from "bun:test";
import { join } from "node:path";
import { describeCard, findCards } from "../../../../lib/boot/network/cards.ts";
import { testHost } from "../../../support/host.ts";

function card(name: string, files: Readonly<Record<string, string>>): Record<string, string> {
  const all = { type: "1\n", address: "52:54:00:12:34:5A\n", uevent: `INTERFACE=${name}\n`, ...files };
  return Object.fromEntries(Object.entries(all).map(([file, text]) => [`/net/${name}/${file}`, text]));
}

test("findCards() takes wired cards, in the order of their numbers", () => {
  using host = testHost({
    files: {
      ...card("eth10", { carrier: "0\n" }),
      ...card("eth2", { carrier: "1\n" }),
      ...card("lo", { type: "772\n" }),
      ...card("wlan0", { uevent: "DEVTYPE=wlan\nINTERFACE=wlan0\n" }),
      ...card("eth2.5", { uevent: "DEVTYPE=vlan\nINTERFACE=eth2.5\n" }),
    },
  });
  const cards = findCards(join(host.root, "net"));
  expect(cards).toEqual([
    { name: "eth2", mac: "52:54:00:12:34:5a", link: true },
    { name: "eth10", mac: "52:54:00:12:34:5a", link: false },
  ]);
  expect(cards.map(describeCard)).toEqual(["eth2 (52:54:00:12:34:5a)", "eth10 (52:54:00:12:34:5a, no link)"]);
  expect(findCards(join(host.root, "none"))).toEqual([]);
});
