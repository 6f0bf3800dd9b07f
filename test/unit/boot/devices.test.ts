import { expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { modaliases } from "../../../lib/boot/devices.ts";
import { scratchDirectory } from "../../../lib/tools/fs/scratch-directory.ts";

test("modaliases() finds those of all buses, of the processor and of what has only a class, each once", () => {
  using scratch = scratchDirectory(tmpdir(), "k3os-sys-");
  const put = (device: string, alias: string, link?: string) => {
    const directory = join(scratch.path, "devices", device);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "modalias"), `${alias}\n`);
    if (link === undefined) return;
    mkdirSync(dirname(join(scratch.path, link)), { recursive: true });
    symlinkSync(directory, join(scratch.path, link));
  };
  put("pci0000:00/0000:00:01.0", "pci:v1", "bus/pci/devices/0000:00:01.0");
  put("pci0000:00/0000:00:02.0", "pci:v1", "bus/pci/devices/0000:00:02.0");
  put("pci0000:00/0000:00:01.0/virtio0", "virtio:d2", "bus/virtio/devices/virtio0");
  put("pci0000:00/0000:00:01.0/empty", "", "bus/scsi/devices/0:0:0:0");
  put("virtual/dmi/id", "dmi:bvn", "class/dmi/id");
  put("platform/i8042/input/input0", "input:b0", "class/input/input0");
  put("system/cpu", "cpu:type:x86");
  mkdirSync(join(scratch.path, "bus/none"), { recursive: true });
  expect([...modaliases(scratch.path)].sort()).toEqual([
    "cpu:type:x86",
    "dmi:bvn",
    "input:b0",
    "pci:v1",
    "virtio:d2",
  ]);
});
