import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { injectedNames, keepAuthority } from "../../../lib/boot/injected.ts";
import { testHost } from "../../support/host.ts";

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

test("keepAuthority() keeps the file of the initrd at its path", () => {
  using host = testHost({ files: { "/.base/certs/own.pem": "from the initrd" } });
  keepAuthority("/certs/own.pem", host);
  expect(readFileSync(join(host.root, "certs/own.pem"), "utf8")).toBe("from the initrd");
  expect(host.logged).toEqual(['Kept "/certs/own.pem" of the initrd, which SSL_CERT_FILE names']);
});

test("keepAuthority() leaves what the root has, and takes only files", () => {
  using host = testHost({ files: { "/.base/own.pem": "from the initrd", "/own.pem": "of the root" } });
  for (const path of ["/own.pem", "/none.pem", "own.pem", "/", undefined]) keepAuthority(path, host);
  expect(readFileSync(join(host.root, "own.pem"), "utf8")).toBe("of the root");
  expect(existsSync(join(host.root, "none.pem"))).toBe(false);
  expect(host.logged).toEqual([]);
});
