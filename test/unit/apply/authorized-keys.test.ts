import { describe, expect, test } from "bun:test";
import { formatKeyFile, keySource, parseKeyFile } from "../../../lib/apply/authorized-keys.ts";
import { makeKey } from "../../support/ssh-key.ts";

const A = makeKey("ssh-ed25519", "a");

describe("keySource()", () => {
  test.each([
    ["github:me", "https://github.com/me.keys"],
    ["gitlab:my.name-x", "https://gitlab.com/my.name-x.keys"],
    ["codeberg:me", "https://codeberg.org/me.keys"],
    ["launchpad:me+you", "https://launchpad.net/~me+you/+sshkeys"],
    ["https://example.com/keys?x=1", "https://example.com/keys?x=1"],
    [" http://example.com/keys\n", "http://example.com/keys"],
  ])("takes %p for a URL", (entry, url) => {
    expect(keySource(entry)).toMatchObject({ kind: "url", url });
  });

  test.each([A, `from="10.0.0.0/8:22",command="a b" ${A}`, makeKey("ecdsa-sha2-nistp256", "me@host:x")])(
    "takes %p for a key",
    (entry) => {
      expect(keySource(entry)).toEqual({ kind: "literal", lines: [entry] });
    },
  );

  test("takes several lines for several keys", () => {
    expect(keySource(`${A}\n# note\n\n${A}b\n`)).toEqual({ kind: "literal", lines: [A, `${A}b`] });
  });

  test.each([
    "ftp://example.com/keys",
    "file:///etc/passwd",
    "github:",
    "github:../x",
    "github:a/b",
    "constructor:me",
    "rancher",
    "ssh-ed25519",
    "ssh-ed25519 AAAA",
    A.replace("ssh-ed25519", "ssh-rsa"),
  ])("refuses %p", (entry) => {
    expect(() => keySource(entry)).toThrow();
  });
});

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
