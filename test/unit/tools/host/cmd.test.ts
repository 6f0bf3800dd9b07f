import { describe, expect, test } from "bun:test";
import { cmd } from "../../../../lib/tools/host/cmd.ts";

const [device, label, options] = ["/dev/my disk", "K3OS", ["-q", "-O", "^64bit"]];

describe("cmd", () => {
  test.each<[what: string, words: readonly string[], expected: readonly string[]]>([
    ["words", cmd`wipefs --all --force`, ["wipefs", "--all", "--force"]],
    ["a value that holds blanks", cmd`wipefs --all ${device}`, ["wipefs", "--all", device]],
    ["a value that touches text", cmd`tune2fs --label=${label}.x ${1}`, ["tune2fs", "--label=K3OS.x", "1"]],
    ["two values that touch", cmd`stat ${label}${label}`, ["stat", "K3OSK3OS"]],
    ["an empty value", cmd`ssh-keygen -P ${""} -f`, ["ssh-keygen", "-P", "", "-f"]],
    ["a list", cmd`mkfs ${options} ${device}`, ["mkfs", ...options, device]],
    ["an empty list", cmd`mkfs ${[]} ${device}`, ["mkfs", device]],
    ["a list alone", cmd`${options}`, options],
    ["lines", cmd`\n  mkfs\n    -q ${device}\n`, ["mkfs", "-q", device]],
    [
      "what a shell would take for more",
      cmd`echo ${"$HOME"} ${"*"} $HOME ; x`,
      ["echo", "$HOME", "*", "$HOME", ";", "x"],
    ],
  ])("makes an argument vector of %s", (_what, words, expected) => {
    expect(words).toEqual(expected);
  });

  test("refuses what would mean something else in a shell", () => {
    expect(() => cmd`echo "a b"`).toThrow("quotes group nothing here");
    expect(() => cmd`echo --x=${options}`).toThrow("touches other text");
    expect(() => cmd`echo ${options}x`).toThrow("touches other text");
    expect(() => cmd`echo ${options}${options}`).toThrow("touches other text");
    expect(() => cmd`echo ${label}${options}`).toThrow("touches other text");
  });
});
