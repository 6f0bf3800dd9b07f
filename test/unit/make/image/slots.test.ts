import { describe, expect, test } from "bun:test";
import { emptySlot, fillSlots, slotOptions, slotsFor } from "../../../../lib/make/image/slots.ts";

const TEXTS = {
  "lib/os-release": "ID=k3os\n",
  "share/man/man1/k3os.1": `.TH K3OS 1\n${"text\n".repeat(300)}`,
};

/** An image that holds the slots of texts, and something around them. */
function imageFor(texts: Readonly<Record<string, string>>): Buffer {
  const slots = slotsFor(texts).map(emptySlot);
  return Buffer.concat([Buffer.alloc(100, 1), ...slots.flatMap((slot) => [slot, Buffer.alloc(100, 2)])]);
}

function read(image: Buffer, at: number, slot: number): string {
  return image.toString("utf8", at, at + slot);
}

describe("fillSlots()", () => {
  test("puts each text into its place, a comment behind it, and changes nothing else", () => {
    const image = imageFor(TEXTS);
    const before = Buffer.from(image);
    fillSlots(image, TEXTS);
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
    const image = imageFor(TEXTS);
    fillSlots(image, { ...TEXTS, "lib/os-release": `ID=k3os\nVERSION_ID=v0.31.0-rc.1\n` });
    expect(read(image, 100, 1024)).toStartWith("ID=k3os\nVERSION_ID=v0.31.0-rc.1\n#");
  });

  test.each([
    ["there is no slot for", { ...TEXTS, "lib/more": "" }, "no slots for: lib/more"],
    ["is missing for a slot", { "lib/os-release": "" }, '"share/man/man1/k3os.1"'],
  ])("refuses a text that %s", (_, texts, message) => {
    expect(() => fillSlots(imageFor(TEXTS), texts)).toThrow(message);
  });
});

test("slotsFor() has room for the texts with the shortest comment, in whole kilobytes", () => {
  const sizes = [0, 900, 1021, 1022, 1023, 1024].map(
    (length) => slotsFor({ a: "x".repeat(length) })[0]?.size,
  );
  expect(sizes).toEqual([1024, 1024, 1024, 1024, 2048, 2048]);
});

test("slotOptions() keep mksquashfs from compressing a slot and from packing it together with others", () => {
  expect(slotOptions([{ path: "lib/os-release", size: 1024 }])).toEqual([
    ...["-action", "uncompressed@pathname(lib/os-release)"],
    ...["-action", "no-fragments@pathname(lib/os-release)"],
  ]);
});
