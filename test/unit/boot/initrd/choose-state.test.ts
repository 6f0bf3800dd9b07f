import { describe, expect, test } from "bun:test";
import type { FoundDevice } from "../../../../lib/boot/devices.ts";
import { chooseState, deviceByUuid, stateDevices } from "../../../../lib/boot/initrd/choose-state.ts";

const OURS = "1b2c0000-0000-4000-8000-000000000001";
const OTHER = "1b2c0000-0000-4000-8000-000000000002";

function device(path: string, more: Partial<FoundDevice> = {}): FoundDevice {
  const disk = path.replace(/\d+$/, "");
  return {
    ...{ path, disk, partition: disk !== path, type: "ext", label: "K3OS_STATE", uuid: OURS, size: 1 << 30 },
    ...more,
  };
}

const OVER = { quiet: true, over: true };
const EARLY = { quiet: false, over: false };

describe("chooseState()", () => {
  const ours = device("/dev/vdb1");
  const stranger = device("/dev/vda", { uuid: OTHER });

  test("takes the file system with the UUID at once, whatever else has the label, and whatever it is labelled", () => {
    const relabelled = device("/dev/vdb1", { label: "backup" });
    for (const one of [ours, relabelled]) {
      const chosen = chooseState([stranger, one], { uuid: OURS.toUpperCase(), ...EARLY });
      expect(chosen).toEqual({ device: one, by: "uuid", others: [stranger] });
    }
  });

  test("waits for the UUID to the end, though another file system has the label", () => {
    expect(chooseState([stranger], { uuid: OURS, quiet: true, over: false })).toBeUndefined();
  });

  test("takes the only one with the label when none has the UUID, and says so", () => {
    expect(chooseState([stranger], { uuid: OURS, ...OVER })).toMatchObject({ device: stranger, by: "label" });
  });

  test("takes the only one with the label where no UUID is known, once no further device shows up", () => {
    expect(chooseState([ours], { uuid: undefined, ...EARLY })).toBeUndefined();
    const chosen = chooseState([ours], { uuid: undefined, quiet: true, over: false });
    expect(chosen).toEqual({ device: ours, by: "label", others: [] });
  });

  test.each([undefined, "1b2c0000-0000-4000-8000-000000000009"])(
    "names all that have the label, UUID %p",
    (uuid) => {
      const choose = () => chooseState([stranger, ours], { uuid, ...OVER });
      expect(choose).toThrow(
        `2 file systems are labelled K3OS_STATE, and nothing says which is the installed system: /dev/vdb1 (1.0 GiB, UUID ${OURS}), /dev/vda (1.0 GiB, UUID ${OTHER})`,
      );
    },
  );

  test("names a disk and its copy, which have the same UUID", () => {
    const choose = () => chooseState([ours, device("/dev/sda1")], { uuid: OURS, ...EARLY });
    expect(choose).toThrow(/UUID 1b2c.*: \/dev\/vdb1 .*, \/dev\/sda1 /);
  });

  test("finds nothing where nothing is", () => {
    expect(chooseState([], { uuid: undefined, ...OVER })).toBeUndefined();
    expect(chooseState([], { uuid: OURS, ...OVER })).toBeUndefined();
  });
});

describe("stateDevices()", () => {
  test("wants the label on a file system that can hold a system", () => {
    const fake = device("/dev/sr0", { type: "iso9660" });
    const real = device("/dev/vda1");
    expect(stateDevices([fake, real])).toEqual([real]);
  });

  test("puts partitions before whole disks", () => {
    expect(stateDevices([device("/dev/sda"), device("/dev/sdb1")]).map(({ path }) => path)).toEqual([
      "/dev/sdb1",
      "/dev/sda",
    ]);
  });

  test("leaves out what a disk had been before it was partitioned", () => {
    expect(stateDevices([device("/dev/sda"), device("/dev/sda1")])).toEqual([device("/dev/sda1")]);
  });

  test("counts a disk once that is reached by two ways", () => {
    const [one, other] = ["/dev/sda1", "/dev/sdb1"].map((path) => device(path, { identity: "naa.600 1" }));
    expect(stateDevices([one, other] as FoundDevice[]).length).toBe(1);
    expect(deviceByUuid([one, other] as FoundDevice[], OURS)).toEqual(one);
  });
});
