import { describe, expect, test } from "bun:test";
import { isKey, keyFlaw, keySource, readKeys } from "../../../../lib/tools/node/ssh-key.ts";
import { makeKey } from "../../../support/ssh-key.ts";

const A = makeKey("ssh-ed25519", "a");

test("readKeys() tells keys from other lines", () => {
  const text = `# comment\r\n${A}\r\n\n<html>\n${A}\x07\nssh-rsa not!base64\n`;
  const { keys, flaws } = readKeys(text);
  expect(keys).toEqual([A]);
  expect(flaws).toHaveLength(3);
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
      expect(keySource(entry)).toEqual({ kind: "literal", lines: [entry], flaws: [] });
    },
  );

  test("takes several lines for several keys", () => {
    expect(keySource(`${A}\n# note\n\n${A}b\n`)).toEqual({ kind: "literal", lines: [A, `${A}b`], flaws: [] });
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

const P256 = makeKey("ecdsa-sha2-nistp256", "b");
const [TYPE = "", BASE64 = ""] = A.split(" ");

describe("keyFlaw()", () => {
  test.each([
    ["a key", A],
    ["a key without a name", `${TYPE} ${BASE64}`],
    ["a name of several words", `${A} of me`],
    ["tabs", A.replaceAll(" ", "\t")],
    ["an RSA key", makeKey("ssh-rsa", "r")],
    ["an ECDSA key", P256],
    ["a key in hardware", makeKey("sk-ssh-ed25519@openssh.com", "s")],
    ["another key in hardware", makeKey("sk-ecdsa-sha2-nistp256@openssh.com", "s")],
    ["an option", `restrict ${A}`],
    ["options", `no-pty,No-X11-forwarding,command="echo \\"a, b\\" c",environment="A=b" ${A}`],
    ["an end in time", `expiry-time="20301231" ${A}`],
    ["a list of addresses", `from="10.0.0.0/8,!10.0.0.1" ${A}`],
  ])("takes %s", (_, line) => {
    expect(keyFlaw(line)).toBeUndefined();
  });

  test.each([
    ["a word", "me@example.com", "no ssh public key"],
    ["base64 alone", BASE64, "no ssh public key"],
    ["a name alone", TYPE, "truncated or damaged"],
    ["three dots", `${TYPE} AAAA...`, "truncated or damaged"],
    ["a key that is cut off", A.replace(BASE64, BASE64.slice(0, 40)), "truncated or damaged"],
    ["a key with something behind it", A.replace(BASE64, `${BASE64}AAAA`), "truncated or damaged"],
    ["a line broken in two", `${TYPE} ${BASE64.slice(0, 30)} ${BASE64.slice(30)}`, "truncated or damaged"],
    ["another type than it names", A.replace(TYPE, "ssh-rsa"), 'not a key of type "ssh-rsa"'],
    ["a type that is gone", makeKey("ssh-dss", "d"), 'of the type "ssh-dss", which sshd does not accept'],
    ["a type with a slip", A.replace(TYPE, "ssh-ed22519"), 'of the type "ssh-ed22519"'],
    ["a short RSA key", makeKey("ssh-rsa", "r", [3, 96]), "an RSA key of 768 bits"],
    ["an option that does not exist", `no-shell ${A}`, "no options of sshd(8)"],
    ["an option without its quotes", `command=ls ${A}`, "no options of sshd(8)"],
    ["a word before it", `me ${A}`, "no options of sshd(8)"],
    ["a list mark", `- ${A}`, "no options of sshd(8)"],
    ["quotes around it", `"${A}"`, "no ssh public key"],
    ["a control character", `${A}\x1b[2J`, "a control character"],
  ])("refuses %s", (_, line, why) => {
    expect(keyFlaw(line)).toContain(why);
  });
});

test("keySource() tells a private key from a public one, and does not repeat it", () => {
  const text = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n-----END OPENSSH PRIVATE KEY-----\n";
  expect(() => keySource(text)).toThrow("found a private key, expected the public one");
});

test("keySource() of several lines has the keys among them", () => {
  expect(keySource(`${A}\nssh-rsa AAAA\n${P256}`)).toMatchObject({ kind: "literal", lines: [A, P256] });
});
