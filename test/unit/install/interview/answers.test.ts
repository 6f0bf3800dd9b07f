import { describe, expect, test } from "bun:test";
import { tokenProblem, urlProblem } from "../../../../lib/install/interview/ask-cluster.ts";
import { passwordProblem } from "../../../../lib/install/interview/ask-password.ts";
import { entriesProblem, keyEntries } from "../../../../lib/install/interview/ask-ssh-keys.ts";
import { nameProblem, passphraseProblem } from "../../../../lib/install/interview/ask-wifi.ts";
import { makeKey } from "../../../support/ssh-key.ts";

const HASH = "0123456789abcdef".repeat(4);
const KEY = makeKey("ssh-ed25519", "a");

describe("good answers:", () => {
  test.each([
    [passwordProblem, "x"],
    [passwordProblem, "ä".repeat(255)],
    [nameProblem, "home"],
    [nameProblem, "ü".repeat(16)],
    [passphraseProblem, ""],
    [passphraseProblem, "8 chars!"],
    [passphraseProblem, "x".repeat(63)],
    [passphraseProblem, HASH],
    [urlProblem, "https://server.example.com:6443"],
    [urlProblem, " https://[2001:db8::1]:6443 "],
    [tokenProblem, ""],
    [tokenProblem, "any-secret"],
    [tokenProblem, "abcdef.0123456789abcdef"],
    [tokenProblem, `K10${HASH}::server:secret`],
    [tokenProblem, `K10${HASH}::secret`],
    [entriesProblem, "alice, gitlab:bob,https://example.com/keys"],
    [entriesProblem, KEY],
  ])("%p %p", (problem, answer) => {
    expect(problem(answer)).toBeUndefined();
  });
});

describe("bad answers:", () => {
  test.each([
    [passwordProblem, "", "Expected a password"],
    [passwordProblem, "ä".repeat(256), "Expected at most 511 bytes, found 512"],
    [passwordProblem, "a\u001b[Ab", "Expected no control characters"],
    [nameProblem, "", "Expected the name of a network"],
    [nameProblem, "ü".repeat(17), "found 34 bytes, expected 1 to 32"],
    [passphraseProblem, "7 chars", "found 7 characters, expected 8 to 63 ASCII"],
    [passphraseProblem, "x".repeat(64), "or 64 hexadecimal digits"],
    [passphraseProblem, "größer als acht", "ASCII"],
    [urlProblem, "", "Expected the URL of a server"],
    [urlProblem, "http://server:6443", "expected one such as https://"],
    [urlProblem, "server:6443", "expected one such as https://"],
    [urlProblem, "https://a b:6443", "expected one such as https://"],
    [tokenProblem, "two words", "without spaces"],
    [tokenProblem, "K10abc::server:secret", "expected K10, 64 hexadecimal digits"],
    [tokenProblem, `K10${HASH}`, "expected K10, 64 hexadecimal digits"],
    [entriesProblem, " , ", "Expected a user"],
    [entriesProblem, "alice, ftp://x/y", 'found the scheme "ftp"'],
    [entriesProblem, "alice bob", "found no ssh public key"],
  ])("%p %p", (problem, answer, what) => {
    expect(problem(answer)).toContain(what);
  });
});

test("keyEntries() takes names for users of GitHub, and leaves all else", () => {
  expect(keyEntries(" alice,gitlab:bob , https://x/y")).toEqual([
    "github:alice",
    "gitlab:bob",
    "https://x/y",
  ]);
  expect(keyEntries(`from="10.0.0.1,10.0.0.2" ${KEY}`)).toEqual([`from="10.0.0.1,10.0.0.2" ${KEY}`]);
});
