import { describe, expect, test } from "bun:test";
import {
  INITRD_MODULES,
  missingModules,
  moduleName,
  parseModulesDep,
  selectModules,
} from "../../../../lib/make/image/module-selection.ts";
import { isLeftOut, NETWORK_MODULES, needsFirmware } from "../../../../lib/make/image/network-modules.ts";

const DEP = `kernel/fs/ext4/ext4.ko.xz: kernel/fs/jbd2/jbd2.ko.xz kernel/fs/mbcache.ko.xz
kernel/fs/jbd2/jbd2.ko.xz: kernel/lib/crc32c_generic.ko.xz
kernel/fs/mbcache.ko.xz:
kernel/lib/crc32c_generic.ko.xz:
kernel/drivers/ata/ahci.ko.xz: kernel/drivers/ata/libahci.ko.xz
kernel/drivers/ata/libahci.ko.xz:
kernel/drivers/ata/pata_old.ko.xz:
kernel/drivers/scsi/sd_mod.ko.xz:
`;
const dependencies = parseModulesDep(DEP);

describe("parseModulesDep()", () => {
  test("gives each module with what it needs", () => {
    expect(dependencies.get("kernel/drivers/ata/ahci.ko.xz")).toEqual(["kernel/drivers/ata/libahci.ko.xz"]);
    expect(dependencies.get("kernel/fs/mbcache.ko.xz")).toEqual([]);
    expect(dependencies.size).toBe(8);
  });
});

describe("moduleName()", () => {
  test("is the kernel's name of the file", () => {
    expect(moduleName("kernel/crypto/crc32c-intel.ko.xz")).toBe("crc32c_intel");
    expect(moduleName("kernel/fs/ext4/ext4.ko")).toBe("ext4");
    expect(moduleName("dm-mod.ko.zst")).toBe("dm_mod");
  });
});

describe("selectModules()", () => {
  test("adds what a module needs, and what that needs", () => {
    expect(selectModules(dependencies, ["ext4"])).toEqual([
      "kernel/fs/ext4/ext4.ko.xz",
      "kernel/fs/jbd2/jbd2.ko.xz",
      "kernel/fs/mbcache.ko.xz",
      "kernel/lib/crc32c_generic.ko.xz",
    ]);
  });

  test("takes a whole directory for a name that ends in a slash", () => {
    const selected = selectModules(dependencies, ["drivers/ata/"]);
    expect(selected.map(moduleName)).toEqual(["ahci", "libahci", "pata_old"]);
  });

  test("ignores what the kernel does not have", () => {
    expect(selectModules(dependencies, ["zfs"])).toEqual([]);
  });
});

describe("missingModules()", () => {
  test("names what is neither a module nor built in", () => {
    const builtin = "kernel/drivers/virtio/virtio_pci.ko\n";
    expect(missingModules(dependencies, builtin, ["ext4", "virtio_pci", "zfs", "drivers/ata/"])).toEqual([
      "zfs",
    ]);
  });
});

describe("INITRD_MODULES and NETWORK_MODULES", () => {
  test("are spelled as the kernel does, each once", () => {
    const names = [...INITRD_MODULES, ...NETWORK_MODULES].filter((entry) => !entry.endsWith("/"));
    expect(names.filter((name) => moduleName(name) !== name)).toEqual([]);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });
});

describe("isLeftOut() and needsFirmware()", () => {
  test.each<[string, boolean, boolean]>([
    ["ethernet/intel/e1000e/e1000e.ko.xz", false, true],
    ["ethernet/broadcom/bnx2.ko.xz", false, true],
    ["ethernet/chelsio/cxgb4/cxgb4.ko.xz", false, false],
    ["ethernet/netronome/nfp/nfp.ko.xz", true, true],
    ["usb/qmi_wwan.ko.xz", true, true],
    ["virtio_net.ko.xz", false, true],
  ])("%s", (path, leftOut, firmware) => {
    expect(isLeftOut(`kernel/drivers/net/${path}`)).toBe(leftOut);
    expect(needsFirmware(`kernel/drivers/net/${path}`)).toBe(firmware);
  });

  test("what is no network driver needs no firmware", () => {
    expect(needsFirmware("kernel/net/8021q/8021q.ko.xz")).toBe(false);
  });
});
