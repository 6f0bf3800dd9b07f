import { describe, expect, test } from "bun:test";
import { holdersOf, stopHolders } from "../../../../lib/tools/disk/holders.ts";
import { parseLsblk } from "../../../../lib/tools/disk/lsblk.ts";
import { testHost } from "../../../support/host.ts";
import { lsblkOutput } from "./samples.ts";

const root = { path: "/dev/mapper/vg-root", type: "lvm" };
const home = { path: "/dev/mapper/home", type: "crypt", children: [root] };
const array = {
  path: "/dev/md127",
  type: "raid1",
  children: [{ path: "/dev/md127p1", type: "part", children: [home] }],
};
/** Both halves of a mirror on one disk, LUKS in a partition of the array, and a volume group in that. */
const DISK = {
  path: "/dev/vda",
  children: [
    { path: "/dev/vda1", type: "part" },
    { path: "/dev/vda2", type: "part", children: [array] },
    { path: "/dev/vda3", type: "part", children: [array] },
  ],
};

const holders = (sample: typeof DISK | object) =>
  parseLsblk(lsblkOutput(sample as typeof DISK)).flatMap(holdersOf);

describe("holdersOf()", () => {
  test("names each once, what is built upon another before that", () => {
    expect(holders(DISK).map(({ path, type, stop }) => [path, type, stop?.join(" ")])).toEqual([
      ["/dev/mapper/vg-root", "lvm", "dmsetup remove --retry /dev/mapper/vg-root"],
      ["/dev/mapper/home", "crypt", "dmsetup remove --retry /dev/mapper/home"],
      ["/dev/md127", "raid1", "mdadm --quiet --stop /dev/md127"],
    ]);
  });

  test("has no program for multipath maps, nor for what it does not know", () => {
    const unknown = [
      { path: "/dev/mapper/mpatha", type: "mpath" },
      { path: "/dev/bcache0", type: "disk" },
    ];
    const found = holders({ path: "/dev/sda", children: unknown });
    expect(found.map(({ path, stop }) => [path, stop])).toEqual([
      ["/dev/mapper/mpatha", undefined],
      ["/dev/bcache0", undefined],
    ]);
  });

  test("has none of a disk with nothing but partitions", () => {
    expect(holders({ path: "/dev/vda", children: [{ path: "/dev/vda1", type: "part" }] })).toEqual([]);
  });
});

describe("stopHolders()", () => {
  /** A machine on which programs take devices down, but for `kept`, in an order that only it knows. */
  function machine(order: readonly string[]) {
    const left = [...order];
    return testHost({
      answer: (argv) => {
        const name = argv.at(-1) ?? "";
        if (argv[0] === "lsblk") {
          const children = left.map((path) => ({ path, type: "md" })).reverse();
          return { stdout: lsblkOutput({ path: "/dev/vda", children }) };
        }
        if (left[0] !== name) return { code: 1, stderr: `${name} is busy` };
        left.shift();
        return {};
      },
    });
  }

  test("tries again what was refused because of another", async () => {
    using host = machine(["/dev/md126", "/dev/md127"]);
    await stopHolders("/dev/vda", host);
    expect(
      host.programs.map(({ argv }) => argv.join(" ")).filter((line) => line.startsWith("mdadm")),
    ).toEqual([
      "mdadm --quiet --stop /dev/md127",
      "mdadm --quiet --stop /dev/md126",
      "mdadm --quiet --stop /dev/md127",
    ]);
  });

  test("ends with what was refused when nothing goes any more", async () => {
    using host = machine(["/dev/md0-of-another-disk", "/dev/md127"]);
    using stuck = testHost({
      answer: ([program]) =>
        program === "lsblk" ? { stdout: lsblkOutput(DISK) } : { code: 1, stderr: "Device or resource busy" },
    });
    await stopHolders("/dev/vda", host);
    await expect(stopHolders("/dev/vda", stuck)).rejects.toThrow("dmsetup: Device or resource busy");
  });
});
