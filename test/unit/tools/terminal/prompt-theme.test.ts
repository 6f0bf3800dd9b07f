import { describe, expect, test } from "bun:test";
import { promptTheme, showsColours } from "../../../../lib/tools/terminal/prompt-theme.ts";

describe("showsColours()", () => {
  test.each(["linux", "xterm", "xterm-256color", "screen", "tmux-256color", "ansi-color"])(
    "on %s",
    (TERM) => {
      expect(showsColours({ TERM })).toBe(true);
      expect(showsColours({ TERM, NO_COLOR: "" })).toBe(true);
      expect(showsColours({ TERM, NO_COLOR: "1" })).toBe(false);
    },
  );

  test.each(["vt100", "vt220", "dumb", "", undefined])("not on %p", (TERM) => {
    expect(showsColours({ TERM })).toBe(false);
  });
});

test("promptTheme() without colours writes no escapes, and always ASCII", () => {
  const shown = (coloured: boolean) => {
    const { prefix, icon, spinner, style } = promptTheme(coloured);
    const styled = Object.values(style).map((paint) => paint("text"));
    return [...Object.values(prefix), icon.cursor, ...spinner.frames, ...styled].join("");
  };
  expect(shown(false)).toMatch(/^[ -~]+$/);
  expect(shown(true).replaceAll("\u001b", "")).toMatch(/^[ -~]+$/);
  expect(shown(true)).toContain("\u001b[");
});
