import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { deleteOldSystem, keepNodePassword } from "../../../../lib/boot/initrd/old-system.ts";
import { testHost } from "../../../support/host.ts";

test("deleteOldSystem() leaves the new system, GRUB and mount points, and nothing else, hidden files included", () => {
  using host = testHost({
    files: {
      "/k3os/system/config.yaml": "hostname: new\n",
      "/boot/grub/grub.cfg": "",
      "/boot/vmlinuz-6": "",
      "/boot/.hidden": "",
      "/boot/grub2/old": "",
      "/etc/passwd": "root\n",
      "/.autorelabel": "",
      "/usr/bin/program": "",
    },
  });
  for (const name of ["lost+found", "boot/efi"]) mkdirSync(join(host.root, name));
  for (const name of ["bin", "sbin", "lib"]) symlinkSync(`usr/${name}`, join(host.root, name));
  deleteOldSystem(host.root, { grub: "/boot/grub" }, host);
  expect(readdirSync(host.root).sort()).toEqual(["boot", "k3os", "lost+found"]);
  expect(readdirSync(join(host.root, "boot")).sort()).toEqual(["efi", "grub"]);
  expect(readdirSync(join(host.root, "k3os"))).toEqual(["system"]);
});

const OLD_PASSWORD = "/etc/rancher/node/password";
const PASSWORD = "/k3os/data/var/lib/rancher/k3os/node/password";

test("keepNodePassword() gives the new system the password that the node has in its cluster", () => {
  using host = testHost({ files: { [OLD_PASSWORD]: "of the old system\n" } });
  keepNodePassword(host.root, host);
  deleteOldSystem(host.root, { grub: "/boot/grub" }, host);
  expect(readFileSync(join(host.root, PASSWORD), "utf8")).toBe("of the old system\n");
  expect(statSync(join(host.root, PASSWORD)).mode & 0o777).toBe(0o600);
});

test("keepNodePassword() does nothing the second time, and on a machine that was no node", () => {
  using again = testHost({ files: { [OLD_PASSWORD]: "incomplete", [PASSWORD]: "kept" } });
  keepNodePassword(again.root, again);
  expect(readFileSync(join(again.root, PASSWORD), "utf8")).toBe("kept");
  using other = testHost({ files: { "/etc/passwd": "" } });
  keepNodePassword(other.root, other);
  expect(readdirSync(other.root)).toEqual(["etc"]);
  expect([...again.logged, ...other.logged]).toEqual([]);
});

test("keepNodePassword() goes on with a warning where something else has the password's place", () => {
  using host = testHost({ files: { [OLD_PASSWORD]: "password", "/k3os/data/var": "a file" } });
  keepNodePassword(host.root, host);
  expect(host.logged.join()).toContain("The k3s node password cannot be kept");
});
