import { describe, expect, test } from "bun:test";
import { emptySlot, fillSlots, slotOptions, slotsFor } from "../../../../lib/make/image/slots.ts";

const TEXTS = {
  "lib/os-release": "ID=k3os\n",
  "share/man/man1/k3os.1": `.TH K3OS 1\n${"text\n".repeat(300)}`,
};

const SLOTS = slotsFor(TEXTS, "v1.0.0");

/** An image that holds the slots, and something around them. */
function testImage(): Buffer {
  const slots = SLOTS.map(emptySlot);
  return Buffer.concat([Buffer.alloc(100, 1), ...slots.flatMap((slot) => [slot, Buffer.alloc(100, 2)])]);
}

function read(image: Buffer, at: number, slot: number): string {
  return image.toString("utf8", at, at + slot);
}

describe("fillSlots()", () => {
  test("puts each text into its place, a comment behind it, and changes nothing else", () => {
    const image = testImage();
    const before = Buffer.from(image);
    fillSlots(image, TEXTS, SLOTS);
    expect(image.length).toBe(before.length);
    const release = read(image, 100, 1024);
    expect(release.trimEnd()).toBe("ID=k3os\n#");
    expect(release.endsWith(" \n")).toBeTrue();
    const page = read(image, 100 + 1024 + 100, 2048);
    expect(page.trimEnd()).toBe(`${TEXTS["share/man/man1/k3os.1"]}.\\"`);
    for (const at of [0, 100 + 1024, 100 + 1024 + 100 + 2048])
      expect(image.subarray(at, at + 100)).toEqual(before.subarray(at, at + 100));
  });

  test("fits other texts of about the same size", () => {
    const image = testImage();
    fillSlots(image, { ...TEXTS, "lib/os-release": `ID=k3os\nVERSION_ID=v0.31.0-rc.1\n` }, SLOTS);
    expect(read(image, 100, 1024)).toStartWith("ID=k3os\nVERSION_ID=v0.31.0-rc.1\n#");
  });

  test("refuses an image that has other slots, and a text that does not fit", () => {
    const fill = (texts: Readonly<Record<string, string>>, slots = SLOTS) => {
      return () => fillSlots(testImage(), texts, slots);
    };
    expect(fill(TEXTS, [...SLOTS, { path: "lib/more", size: 1024 }])).toThrow("lacks the slots: lib/more");
    expect(fill({ "lib/os-release": "" })).toThrow('"share/man/man1/k3os.1"');
    expect(fill({ ...TEXTS, "lib/os-release": "x".repeat(1023) })).toThrow("more than the 1024 bytes");
  });
});

test("slotsFor() has room for the texts with the shortest comment, in whole kilobytes", () => {
  const sizes = [0, 900, 1021, 1022, 1023, 1024].map((length) => {
    return slotsFor({ a: "x".repeat(length) }, "v1.0.0")[0]?.size;
  });
  expect(sizes).toEqual([1024, 1024, 1024, 1024, 2048, 2048]);
});

test("slotsFor() does not depend on the length of a version", () => {
  const slotsOf = (version: string) => slotsFor({ a: `${"x".repeat(1000)}${version}` }, version);
  for (const version of ["v0.30.1-rc.1", "v0.30.1-rc.1+20261201.0123456789"])
    expect(slotsOf(version)).toEqual(slotsOf("v1.0.0"));
  expect(slotsOf("v1.0.0-".padEnd(1100, "x"))[0]?.size).toBe(3072);
});

test("slotOptions() keep mksquashfs from compressing a slot and from packing it together with others", () => {
  expect(slotOptions([{ path: "lib/os-release", size: 1024 }])).toEqual([
    ...["-action", "uncompressed@pathname(lib/os-release)"],
    ...["-action", "no-fragments@pathname(lib/os-release)"],
  ]);
});
