import { expect, test } from "bun:test";
import { isKey, readKeys } from "../../lib/ssh-keys.ts";
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
