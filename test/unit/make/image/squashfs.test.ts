import { expect, test } from "bun:test";
import { makeSquashfs } from "../../../../lib/make/image/squashfs.ts";
import { testHost } from "../../../support/host.ts";

test("makeSquashfs() fixes all times, and keeps the variable away that mksquashfs refuses beside that", async () => {
  using host = testHost();
  await makeSquashfs("/tree", "/image", ["-comp", "xz"], 123, { host });
  const [words = []] = host.programs.map(({ argv }) => argv);
  expect(words.slice(0, 5)).toEqual(["env", "--unset=SOURCE_DATE_EPOCH", "mksquashfs", "/tree", "/image"]);
  expect(words.join(" ")).toContain("-mkfs-time 123 -all-time 123");
  expect(words.slice(-2)).toEqual(["-comp", "xz"]);
});
