import { describe, expect, test } from "bun:test";
import { followKeys, keyName, verifyKey } from "../../../../lib/tools/release/key-chain.ts";
import { publicKeyFile } from "../../../../lib/tools/release/signature-keys.ts";
import { testHost } from "../../../support/host.ts";
import { makeSecretKey, type SecretKey, signContent } from "../../../support/minisign.ts";

/** Keys of a project, each the next one's predecessor. */
const KEYS = Array.from({ length: 7 }, makeSecretKey);
const [FIRST, SECOND, THIRD] = KEYS as [SecretKey, SecretKey, SecretKey, ...SecretKey[]];

/** The files by which one key follows another. */
function link(from: SecretKey, to: SecretKey, name = keyName(to.publicKey.id), content = to) {
  const text = publicKeyFile(content.publicKey);
  const signature = signContent(Buffer.from(text), `timestamp:1\tfile:${name}\thashed`, from);
  return { [keyName(to.publicKey.id)]: text, [`${keyName(to.publicKey.id)}.minisig`]: signature };
}

/** The ids of the keys that may have made a signature of `signer`, where only the first key is trusted. */
async function follow(signer: SecretKey, files: Readonly<Record<string, string>>) {
  using host = testHost();
  const asked: string[] = [];
  const read = async (name: string) => {
    asked.push(name);
    const text = files[name];
    return text === undefined ? undefined : Buffer.from(text);
  };
  const signature = signContent(Buffer.from("list"), "comment", signer);
  const keys = await followKeys(signature, [FIRST.publicKey], read, host);
  return { ids: keys.map(({ id }) => id), asked };
}

const ids = (...keys: readonly SecretKey[]) => keys.map(({ publicKey }) => publicKey.id);

describe("followKeys()", () => {
  test("asks for nothing where a trusted key has signed", async () => {
    expect(await follow(FIRST, {})).toEqual({ ids: ids(FIRST), asked: [] });
  });

  test("adds a key that a trusted one has signed", async () => {
    expect((await follow(SECOND, link(FIRST, SECOND))).ids).toEqual(ids(FIRST, SECOND));
  });

  test("follows four changes of the key, and no fifth", async () => {
    const files = Object.assign({}, ...KEYS.slice(1).map((to, i) => link(KEYS[i] ?? FIRST, to)));
    expect((await follow(KEYS[4] ?? FIRST, files)).ids).toEqual(ids(...KEYS.slice(0, 5)));
    expect((await follow(KEYS[5] ?? FIRST, files)).ids).toEqual(ids(FIRST));
  });

  test.each([
    ["is not there", {}],
    ["is signed by a stranger", link(THIRD, SECOND)],
    ["is signed by itself", link(SECOND, SECOND)],
    ["is another key's", link(FIRST, SECOND, keyName(SECOND.publicKey.id), THIRD)],
    ["is signed under another name", link(FIRST, SECOND, "k3os.pub")],
    [
      "was changed",
      { ...link(FIRST, SECOND), [keyName(SECOND.publicKey.id)]: publicKeyFile(THIRD.publicKey) },
    ],
    ["has no good signature", { ...link(FIRST, SECOND), [`${keyName(SECOND.publicKey.id)}.minisig`]: "x" }],
  ])("does not follow a key that %s", async (_, files) => {
    expect((await follow(SECOND, files)).ids).toEqual(ids(FIRST));
  });
});

test("verifyKey() returns a key that was signed under its name", () => {
  const name = keyName(SECOND.publicKey.id);
  const { [name]: text = "", [`${name}.minisig`]: signature = "" } = link(FIRST, SECOND);
  const keys = [FIRST.publicKey];
  expect(verifyKey(Buffer.from(text), { name, signature, keys })).toEqual(SECOND.publicKey);
  expect(() => verifyKey(Buffer.from(text), { name: "other", signature, keys })).toThrow(
    "not signed as such",
  );
});
