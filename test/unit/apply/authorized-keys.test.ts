import { describe, expect, test } from "bun:test";
import { formatKeyFile, parseKeyFile } from "../../../lib/apply/authorized-keys.ts";

describe("formatKeyFile()", () => {
  const managed = new Map([
    ["the configuration", ["k1", "k2", "k1"]],
    ["github:me", ["k2", "k3", "own"]],
  ]);

  test("writes a block that parseKeyFile() reads, without repeating a key of one source or of others", () => {
    const text = formatKeyFile({ before: ["own"], managed, after: ["# end"] });
    const { before, managed: read, after } = parseKeyFile(text);
    expect({ before, after }).toEqual({ before: ["own"], after: ["# end"] });
    expect(text.split("\n").filter((line) => !line.startsWith("#"))).toEqual([
      "own",
      "k1",
      "k2",
      "k2",
      "k3",
      "",
    ]);
    expect([...read]).toEqual([
      ["the configuration", ["k1", "k2"]],
      ["github:me", ["k2", "k3"]],
    ]);
    expect(formatKeyFile(parseKeyFile(text))).toBe(text);
  });

  test("leaves other lines and their order alone", () => {
    const old = "b\n\n# note\na"; // no final newline
    const text = formatKeyFile({ ...parseKeyFile(old), managed: new Map([["x", ["k"]]]) });
    expect(text).toStartWith("b\n\n# note\na\n# BEGIN k3OS");
    expect(formatKeyFile({ ...parseKeyFile(text), managed: new Map() })).toBe("b\n\n# note\na\n");
  });
});
