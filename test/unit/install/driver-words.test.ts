import { expect, test } from "bun:test";
import { driverWords } from "../../../lib/install/driver-words.ts";

test.each([
  ["quiet console=tty1", []],
  ["k3os.modules=nvme k3os.modules=uas", ["k3os.modules=nvme", "k3os.modules=uas"]],
  ['k3os.module="bonding mode=1" k3os.mode=live', ["'k3os.modules=bonding mode=1'"]],
  ['"k3os.modules=a b=$(c)" k3os.modules=d\'e', []],
  [
    "modprobe.blacklist=uas,ast quiet module_blacklist=x",
    ["modprobe.blacklist=uas,ast", "module_blacklist=x"],
  ],
  ['modprobe.blacklist="$x y" modprobe.blacklist', []],
])("driverWords(%p)", (cmdline, words) => {
  expect(driverWords(cmdline)).toEqual(words);
});
