import { describe, expect, test } from "bun:test";
import { mediumMenu, mediumSearch } from "../../../../lib/make/image/grub-menu.ts";

describe("mediumMenu()", () => {
  const entries = mediumMenu().split("\nmenuentry ").slice(1);

  test("has the original's three entries, the live system first", () => {
    expect(entries.map((entry) => /^"(.*)"/.exec(entry)?.[1])).toEqual([
      "k3OS LiveCD & Installer",
      "k3OS Installer",
      "k3OS Rescue Shell",
    ]);
  });

  test("gives each its mode, and consoles on the serial port and the screen", () => {
    const modes = ["k3os.mode=live", "k3os.mode=install", "rescue"];
    entries.forEach((entry, index) => {
      expect(entry).toContain(`printk.devkmsg=on ${modes[index]} console=ttyS0 console=tty1\n`);
    });
  });

  test("waits ten seconds for a choice", () => {
    expect(mediumMenu()).toContain("set default=0\nset timeout=10\n");
  });
});

describe("mediumSearch()", () => {
  test("looks for a file, and takes modules from beside it", () => {
    expect(mediumSearch("/boot/grub/mark")).toBe(
      "search --file --set=root /boot/grub/mark\nset prefix=($root)/boot/grub\n",
    );
  });
});
