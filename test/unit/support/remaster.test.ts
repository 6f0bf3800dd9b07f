import { describe, expect, test } from "bun:test";
import { mediumMenu } from "../../../lib/image/grub-menu.ts";
import { changeMenu } from "../../support/remaster.ts";

describe("changeMenu()", () => {
  test("makes the entry with the parameter the default, and adds to its parameters only", () => {
    const menu = changeMenu(mediumMenu(), {
      parameter: "k3os.mode=install",
      words: ["a=b", "console=ttyS0"],
    });
    expect(menu).toContain("set default=1\n");
    expect(menu.match(/^.* a=b console=ttyS0$/gm)).toEqual([
      expect.stringMatching(/^ {2}linux .* k3os\.mode=install .* a=b console=ttyS0$/),
    ]);
  });

  test("throws when no entry has the parameter", () => {
    expect(() => changeMenu(mediumMenu(), { parameter: "k3os.mode=nowhere", words: [] })).toThrow("no entry");
  });
});
