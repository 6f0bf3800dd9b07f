import { expect, test } from "bun:test";
import { parseInstalled, versionsOf } from "../../../../lib/make/build/debian-versions.ts";

/** As dpkg-query prints them: name, architecture, status, version, Pre-Depends, Depends, Provides. */
const INSTALLED = parseInstalled(
  [
    "squashfs-tools\tamd64\tinstalled\t1:4.5.1-1\t\tlibc6 (>= 2.34), libzstd1 (>= 1.5.2), zlib1g (>= 1:1.2)\t",
    "libzstd1\tamd64\tinstalled\t1.5.4\tlibc6 (>= 2.33)\t\t",
    "libc6\tamd64\tinstalled\t2.36-9\t\tlibgcc-s1\t",
    "libc6\tarm64\tinstalled\t2.36-8\t\t\t",
    "libgcc-s1\tamd64\tinstalled\t12.2\t\tgcc-12-base (= 12.2), libc6 (>= 2.35)\t",
    "gone\tamd64\tconfig-files\t1.0\t\t\t",
    "udev\tamd64\tinstalled\t252\t\teditor | vim, perl:any\t",
    "nano\tamd64\tinstalled\t7.2\t\t\teditor, other (= 1)",
    "perl\tamd64\tinstalled\t5.36\t\t\t",
    "",
  ].join("\n"),
);

test("versionsOf() names packages with all that they need, in circles too", () => {
  expect(versionsOf(["squashfs-tools"], INSTALLED)).toEqual([
    "libc6 amd64 2.36-9, arm64 2.36-8",
    "libgcc-s1 amd64 12.2",
    "libzstd1 amd64 1.5.4",
    "squashfs-tools amd64 1:4.5.1-1",
  ]);
});

test("versionsOf() follows alternatives and names that others provide", () => {
  expect(versionsOf(["udev"], INSTALLED)).toEqual([
    "editor provided",
    "nano amd64 7.2",
    "perl amd64 5.36",
    "udev amd64 252",
  ]);
});

test("versionsOf() refuses what is not installed", () => {
  expect(() => versionsOf(["gone", "xorriso", "perl"], INSTALLED)).toThrow("gone xorriso");
});
