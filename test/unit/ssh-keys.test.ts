import { describe, expect, test } from "bun:test";
import { isKey, keySource, readKeys } from "../../lib/ssh-keys.ts";
import { makeKey } from "../support/ssh-key.ts";

const A = makeKey("ssh-ed25519", "a");

test("readKeys() tells keys from other lines", () => {
  const text = `# comment\r\n${A}\r\n\n<html>\n${A}\x07\nssh-rsa not!base64\n`;
  expect(readKeys(text)).toEqual({ keys: [A], rejected: 3 });
});

test("isKey() wants the type that the key itself names", () => {
  expect(isKey(A)).toBe(true);
  expect(isKey(A.replace("ssh-ed25519", "ssh-rsa"))).toBe(false);
});

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
