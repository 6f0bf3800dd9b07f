import { describe, expect, test } from "bun:test";
import type { Arch } from "../../../../lib/tools/host/targets.ts";
import { listComment, verifyList } from "../../../../lib/tools/release/release-list.ts";
import { makeSecretKey, signContent, signList } from "../../../support/minisign.ts";

const KEY = makeSecretKey();
const DIGEST = "0123456789abcdef".repeat(4);
const LIST = Buffer.from(`${DIGEST}  k3os-amd64\n`);
const IDENTITY = { arch: "amd64", version: "v0.30.0", timestamp: 1_767_225_600 } as const;
const GOOD = "timestamp:1\tfile:sha256sum-amd64.txt\tversion:v0.30.0\tarch:amd64\thashed";

const verify = (signature: string, arch: Arch = "amd64", list: Uint8Array = LIST) =>
  verifyList(list, { signature, arch, keys: [KEY.publicKey] });

describe("listComment()", () => {
  test("says in the trusted comment what the list is", () => {
    expect(listComment(IDENTITY)).toBe(
      "timestamp:1767225600\tfile:sha256sum-amd64.txt\tversion:v0.30.0\tarch:amd64\thashed",
    );
  });

  test.each(["", "../v1", "v1/2", ".", "-v", "v 1", "v1\tarch:arm", "v1\n"])(
    "refuses the version %j",
    (version) => {
      expect(() => listComment({ ...IDENTITY, version })).toThrow("is not a version such as v0.36.3-k3s1r0");
    },
  );

  test("fails for more files than minisign can sign", () => {
    const sizes = (count: number) => new Map(Array.from({ length: count }, (_, i) => [`k3os-${i}`, 1e6]));
    expect(listComment({ ...IDENTITY, sizes: sizes(200) }).length).toBeLessThan(4078);
    expect(() => listComment({ ...IDENTITY, sizes: sizes(300) })).toThrow("too many entries");
  });
});

describe("verifyList()", () => {
  test("returns version and digests", () => {
    const files = new Map([["k3os-amd64", DIGEST]]);
    for (const version of ["v0.30.0", "v1.2.3+k3s1-rc.1"]) {
      const signature = signList(LIST, { ...IDENTITY, version }, KEY);
      const { timestamp } = IDENTITY;
      expect(verify(signature)).toEqual({ arch: "amd64", version, timestamp, files, sizes: new Map() });
    }
  });

  test("returns the sizes that were signed", () => {
    const sizes = new Map([
      ["k3os-amd64", 97_000_000],
      ["k3os-amd64.iso", 0],
    ]);
    const signature = signList(LIST, { ...IDENTITY, sizes }, KEY);
    expect(signature.split("\n")[2]).toEndWith("\tsizes:k3os-amd64=97000000,k3os-amd64.iso=0\thashed");
    expect(verify(signature).sizes).toEqual(sizes);
  });

  test.each(["k3os-amd64", "k3os-amd64=", "k3os-amd64=-1", "k3os-amd64=1e9", "=1", "k3os-amd64=1,"])(
    "refuses the sizes %j",
    (sizes) => {
      const signature = signContent(LIST, `${GOOD}\tsizes:${sizes}`, KEY);
      expect(() => verify(signature)).toThrow("which is not a file size");
    },
  );

  test("returns the time of the signature, and refuses what is none", () => {
    expect(verify(signContent(LIST, GOOD, KEY)).timestamp).toBe(1);
    expect(verify(signContent(LIST, GOOD.replace("timestamp:1\t", ""), KEY)).timestamp).toBe(0);
    const later = signContent(LIST, GOOD.replace("timestamp:1", "timestamp:tomorrow"), KEY);
    expect(() => verify(later)).toThrow('It is signed at "tomorrow", which is not a time');
  });

  test("returns until when a list is valid, and refuses what is no time", () => {
    expect(listComment({ ...IDENTITY, expires: 9 })).toContain("\texpires:9\t");
    expect(verify(signList(LIST, { ...IDENTITY, expires: 9 }, KEY)).expires).toBe(9);
    expect(verify(signContent(LIST, GOOD, KEY)).expires).toBeUndefined();
    const never = signContent(LIST, `${GOOD}\texpires:never`, KEY);
    expect(() => verify(never)).toThrow('It is signed until "never", which is not a time');
  });

  test("skips lines that sha256sum skips", () => {
    const list = Buffer.from(`# anything\n${LIST}`);
    expect([...verify(signList(list, IDENTITY, KEY), "amd64", list).files.keys()]).toEqual(["k3os-amd64"]);
  });

  test("returns the k3s that was declared, and none of a list without it", () => {
    const k3s = { version: "v1.36.3+k3s1", from: ["v1.35", "v1.36"] };
    expect(listComment({ ...IDENTITY, k3s })).toContain("\tk3s:v1.36.3+k3s1\tfrom:v1.35,v1.36\t");
    expect(verify(signList(LIST, { ...IDENTITY, k3s }, KEY)).k3s).toEqual(k3s);
    expect(verify(signContent(LIST, GOOD, KEY)).k3s).toBeUndefined();
  });

  test.each(["k3s:latest\tfrom:v1.35", "k3s:v1.36.3\tfrom:1.35", "k3s:v1.36.3\tk3s:v1.37.1"])(
    "refuses the declaration %j",
    (fields) => {
      const call = () => verify(signContent(LIST, `${GOOD}\t${fields}`, KEY));
      expect(call).toThrow("which are not versions");
    },
  );

  test("takes the usual minors of a k3s that was declared without any", () => {
    const { k3s } = verify(signContent(LIST, `${GOOD}\tk3s:v1.50.3+k3s1`, KEY));
    expect(k3s).toEqual({ version: "v1.50.3+k3s1", from: ["v1.49", "v1.50"] });
  });

  test("takes fields in any order, and fields that it does not know", () => {
    const comment = GOOD.split("\t").reverse().concat("more:x").join("\t");
    expect(verify(signContent(LIST, comment, KEY)).version).toBe("v0.30.0");
  });

  test.each([
    ["for another architecture's list", GOOD.replaceAll("amd64", "arm64"), "signed for the file"],
    ["for another architecture", GOOD.replace("arch:amd64", "arch:arm64"), "signed for arm64, not amd64"],
    [
      "for another file",
      GOOD.replace("sha256sum-", "x-"),
      'the file "x-amd64.txt", not "sha256sum-amd64.txt"',
    ],
    ["for a version that is a path", GOOD.replace("v0.30.0", "../../etc"), 'signed for "../../etc"'],
    ["for the version ..", GOOD.replace("v0.30.0", ".."), 'signed for ".."'],
    ["with an empty version", GOOD.replace("v0.30.0", ""), 'one field "version"'],
    ["without a version", GOOD.replace("version:", "v:"), 'one field "version"'],
    ["without an architecture", GOOD.replace("arch:amd64\t", ""), 'one field "arch"'],
    ["without a file", GOOD.replace("file:", "fil:"), 'one field "file"'],
    ["with two versions", `${GOOD}\tversion:v9`, 'one field "version"'],
    [
      "by minisign without a comment of ours",
      "timestamp:1\tfile:sha256sum-amd64.txt\thashed",
      'field "arch"',
    ],
    ["with an empty comment", "", 'one field "file"'],
  ])("refuses a list that is signed %s", (_, comment, message) => {
    expect(() => verify(signContent(LIST, comment, KEY))).toThrow(message);
  });

  test("refuses the good list of another architecture in place of ours", () => {
    const signature = signList(LIST, { ...IDENTITY, arch: "arm64" }, KEY);
    expect(verify(signature, "arm64").arch).toBe("arm64");
    expect(() => verify(signature)).toThrow(
      'It is signed for the file "sha256sum-arm64.txt", not "sha256sum-amd64.txt"',
    );
  });

  test("does not look at a list before its signature is good", () => {
    const broken = Buffer.from("no list\n");
    expect(() => verify(signList(LIST, IDENTITY, KEY), "amd64", broken)).toThrow(
      "does not match the signature",
    );
    expect(() => verify(signList(broken, IDENTITY, KEY), "amd64", broken)).toThrow("Line 1 of the checksums");
  });
});
