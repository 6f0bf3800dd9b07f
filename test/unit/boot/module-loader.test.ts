import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { blacklistModules, loadNamedModules } from "../../../lib/boot/module-loader.ts";
import { testHost } from "../../support/host.ts";

const LIST = {
  [`/lib/modules/${release()}/modules.dep`]: "kernel/drivers/block/virtio_blk.ko: kernel/x.ko\n",
};

describe("loadNamedModules()", () => {
  test("loads each with its parameters, also after one that cannot be loaded", async () => {
    using host = testHost({ files: LIST });
    await loadNamedModules(["virtio-blk", "../x", "nvme_core  io_timeout=4294967295"], host);
    expect(host.programs.map(({ argv }) => argv)).toEqual([
      ["/bin/busybox", "modprobe", "virtio-blk"],
      ["/bin/busybox", "modprobe", "nvme_core", "io_timeout=4294967295"],
    ]);
    expect(host.logged.join("\n")).toMatch(
      /Loaded the module "virtio-blk"\nError: k3os.modules: Found .*\nLoaded/,
    );
  });

  test("tells what the initrd does not have from what cannot be loaded", async () => {
    using host = testHost({ files: LIST, answer: () => ({ code: 1, stderr: "modprobe: no such device\n" }) });
    await loadNamedModules(["bonding mode=1", "virtio-blk"], host);
    expect(host.logged).toEqual([
      'The module "bonding" is not in the initrd: it can only be loaded from the disk',
      'Error: k3os.modules: cannot load "virtio-blk": modprobe: no such device',
    ]);
  });
});

describe("blacklistModules()", () => {
  const written = (cmdline: string) => {
    using host = testHost();
    blacklistModules(cmdline, host);
    const path = join(host.root, "etc/modprobe.d/cmdline.conf");
    return existsSync(path) ? readFileSync(path, "utf8") : undefined;
  };

  test("takes every name of every word, as the kernel spells it", () => {
    expect(written("quiet modprobe.blacklist=sym53c8xx,virtio-blk x modprobe.blacklist=uas")).toBe(
      "blacklist sym53c8xx\nblacklist virtio_blk\nblacklist uas\n",
    );
  });

  test("writes nothing without such a word, and nothing that is no name", () => {
    expect(written("modprobe.blacklist blacklist=uas")).toBeUndefined();
    expect(written('modprobe.blacklist="a b,../c"')).toBeUndefined();
  });
});
