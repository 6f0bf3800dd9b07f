import { describe, expect, test } from "bun:test";
import {
  changeMenu,
  MENU_ENTRIES,
  type MenuEntry,
  menuWords,
} from "../../../../lib/install/remaster/remaster-menu.ts";
import { mediumMenu } from "../../../../lib/make/image/grub-menu.ts";

const ENTRIES = Object.keys(MENU_ENTRIES) as MenuEntry[];

describe("changeMenu()", () => {
  test("adds to the parameters of every entry, and to nothing else", () => {
    const menu = changeMenu(mediumMenu(), { words: ["a=b", "console=ttyS0"], startsBy: undefined });
    expect(menu.match(/^ {2}linux .* console=tty1 a=b console=ttyS0$/gm)).toHaveLength(ENTRIES.length);
    expect(menu.replaceAll(" a=b console=ttyS0", "")).toBe(mediumMenu());
  });

  test.each(ENTRIES)("has the entry %s start by itself", (startsBy) => {
    const menu = changeMenu(mediumMenu(), { words: [], startsBy });
    const at = Number(/^set default=(\d+)$/m.exec(menu)?.[1]);
    const entries = menu.split("menuentry ").slice(1);
    expect(entries[at]).toContain(` ${MENU_ENTRIES[startsBy]} `);
    expect(menu.replace(/^set default=.*$/m, "set default=0")).toBe(mediumMenu());
  });

  test("takes words as they are, those that a replacement would understand too", () => {
    const menu = changeMenu(mediumMenu(), { words: ["'a=$&'"], startsBy: undefined });
    expect(menu).toContain("console=tty1 'a=$&'\n");
  });

  test("throws where there is no such entry", () => {
    const without = mediumMenu().replace("k3os.mode=install", "k3os.mode=other");
    expect(() => changeMenu(without, { words: [], startsBy: "install" })).toThrow(
      'no entry with "k3os.mode=install"',
    );
    expect(() => changeMenu("set default=0\n", { words: ["a"], startsBy: undefined })).toThrow(
      "starts Linux",
    );
  });
});

describe("menuWords()", () => {
  test("puts into quotes what GRUB would not take as it is", () => {
    const line =
      'quiet k3os.install.config_url=http://a/b?c=d&e=f k3os.sysctl[kernel.printk]="4 4 1 7" "x y"';
    expect(menuWords(line)).toEqual({
      words: [
        "quiet",
        "'k3os.install.config_url=http://a/b?c=d&e=f'",
        "'k3os.sysctl[kernel.printk]=4 4 1 7'",
        "'x y'",
      ],
      warnings: [],
    });
  });

  test("takes the lines of an unattended installation as they are", () => {
    const words = ["k3os.install.silent", "k3os.install.device=/dev/sda", "console=ttyS0,115200n8"];
    expect(menuWords(words.join(" ")).words).toEqual(words);
  });

  test.each([
    ['k3os.token="a', "never closed"],
    ["a=it's", "a quote or a backslash"],
    ["a=b\\c", "a quote or a backslash"],
    ["k3os.install.silent=perhaps", "have errors"],
    ["write_files=x", "have errors"],
  ])("refuses %s", (line, message) => {
    expect(() => menuWords(line)).toThrow(message);
  });

  test("warns of a setting that there is not", () => {
    const { words, warnings } = menuWords("k3os.instal.silent");
    expect(words).toEqual(["k3os.instal.silent"]);
    expect(warnings).toMatchObject([{ severity: "warning", place: { source: "--cmdline" } }]);
  });
});
