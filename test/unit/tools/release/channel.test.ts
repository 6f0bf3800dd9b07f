import { describe, expect, test } from "bun:test";
import {
  type Channel,
  channelComment,
  channelText,
  parseChannel,
  verifyChannel,
} from "../../../../lib/tools/release/channel.ts";
import { makeSecretKey, signContent } from "../../../support/minisign.ts";

const KEY = makeSecretKey();
const CHANNEL: Channel = {
  latest: "v0.36.3-k3s1r0",
  releases: [
    {
      ...{ version: "v0.36.3-k3s1r0", date: "2026-12-01", sizes: { arm: { "k3os-arm": 5 } } },
      k3s: { version: "v1.36.3+k3s1", from: ["v1.35", "v1.36"] },
    },
    { version: "v0.35.9-k3s1r0", date: "2026-11-01", sizes: {} },
  ],
};
const TEXT = channelText(CHANNEL);
const TIMES = { timestamp: 5, expires: 9 };

const verify = (text: string, comment = channelComment(TIMES)) => {
  const content = Buffer.from(text);
  return verifyChannel(content, { signature: signContent(content, comment, KEY), keys: [KEY.publicKey] });
};

describe("verifyChannel()", () => {
  test("returns what was signed, and when", () => {
    expect(verify(TEXT)).toEqual({ ...CHANNEL, ...TIMES });
  });

  test.each(["timestamp:1\tfile:sha256sum-amd64.txt\texpires:2", "timestamp:1\tfile:channel.json", ""])(
    "refuses what is signed as %j",
    (comment) => {
      expect(() => verify(TEXT, comment)).toThrow("It is not signed as channel.json");
    },
  );

  test("does not look at a channel before its signature is good", () => {
    const signature = signContent(Buffer.from(TEXT), channelComment(TIMES), KEY);
    const call = () => verifyChannel(Buffer.from("no JSON"), { signature, keys: [KEY.publicKey] });
    expect(call).toThrow("does not match the signature");
  });
});

describe("parseChannel()", () => {
  test("skips fields that it does not know", () => {
    const more = { ...JSON.parse(TEXT), more: 1, releases: [{ ...CHANNEL.releases[1], more: 2 }] };
    expect(parseChannel(JSON.stringify(more)).releases).toEqual(CHANNEL.releases.slice(1));
  });

  test.each([
    ["no JSON", "<html>", "is not JSON"],
    ["another format", JSON.stringify({ ...JSON.parse(TEXT), format: 2 }), "has the format 2, expected 1"],
    ["no releases", '{"format":1,"latest":"v1"}', "a list of releases"],
    ["a path as a version", TEXT.replaceAll("v0.36.3-k3s1r0", "../v1"), "does not name the latest release"],
    ["minors that are none", TEXT.replace('"v1.35"', '"all"'), "no valid k3s of v0.36.3-k3s1r0"],
    ["a list", "[]", "has the format undefined"],
  ])("refuses %s", (_, text, says) => {
    expect(() => parseChannel(text)).toThrow(says);
  });
});
