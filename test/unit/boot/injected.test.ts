import { expect, test } from "bun:test";
import { injectedNames } from "../../../lib/boot/injected.ts";

test("injectedNames() are those that neither the initrd nor the kernel has", () => {
  const own = [
    "bin",
    "dev",
    "init",
    "k3os",
    "k3os.iso",
    "lib",
    "mnt",
    "proc",
    "root",
    "run",
    "sbin",
    "sys",
    "sysroot",
    "tmp",
  ];
  expect(injectedNames([...own, "k3os_conf.yaml", "keys"])).toEqual(["k3os_conf.yaml", "keys"]);
});
