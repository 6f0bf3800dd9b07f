import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { deleteOldSystem } from "../../../../lib/boot/initrd/old-system.ts";
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
