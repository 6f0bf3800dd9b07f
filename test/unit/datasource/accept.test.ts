import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { acceptMetadata, MAX_USERDATA } from "../../../lib/datasource/accept.ts";
import type { Metadata } from "../../../lib/datasource/data-source.ts";
import { makeKey } from "../../support/ssh-key.ts";

const A = makeKey("ssh-ed25519", "a");

function accept(metadata: Metadata): { accepted: Metadata | undefined; ignored: string[] } {
  const ignored: string[] = [];
  return { accepted: acceptMetadata(metadata, (what) => ignored.push(what)), ignored };
}

describe("acceptMetadata()", () => {
  test("unpacks user data in gzip", () => {
    const { accepted } = accept({ userdata: gzipSync("#cloud-config\n") });
    expect(Buffer.from(accepted?.userdata ?? "").toString()).toBe("#cloud-config\n");
  });

  test("keeps gzip that is broken, or unpacks to too much, as it is", () => {
    const broken = Buffer.from([0x1f, 0x8b, 1, 2, 3]);
    expect(accept({ userdata: broken }).accepted?.userdata).toEqual(broken);
    const bomb = gzipSync(Buffer.alloc(MAX_USERDATA + 1));
    const { accepted, ignored } = accept({ userdata: bomb });
    expect(accepted?.userdata).toEqual(bomb);
    expect(ignored[0]).toContain(`it unpacks to more than ${MAX_USERDATA} bytes`);
  });

  test("takes keys out of lines of any ending, each once, and never shows one that is none", () => {
    const { accepted, ignored } = accept({ keys: [`${A}\r\n# note\r\n`, A, "<html>secret</html>", ""] });
    expect(accepted?.keys).toEqual([A]);
    expect(ignored).toEqual(["keys: 1 of 3 lines are not SSH public keys"]);
  });

  test.each([
    [" node-1\n", "node-1"],
    [`${"a".repeat(40)}.${"b".repeat(40)}`, "a".repeat(40)],
    ["a".repeat(70), "a".repeat(63)],
    ["two words", undefined],
    ["a\u001b[2J", undefined],
    ["<html>", undefined],
    ["", undefined],
  ])("takes from the host name %j %p", (hostname, expected) => {
    expect(accept({ hostname, instanceId: "i" }).accepted?.hostname).toBe(expected as string);
  });

  test("leaves out facts of several lines, and keeps the rest", () => {
    const { accepted, ignored } = accept({ facts: { public_ipv4: "192.0.2.1", region: "a\nb" } });
    expect(accepted?.facts).toEqual({ public_ipv4: "192.0.2.1" });
    expect(ignored).toHaveLength(1);
  });

  test("is undefined where nothing is left", () => {
    expect(accept({ userdata: new Uint8Array(), keys: ["x"], hostname: " " }).accepted).toBeUndefined();
  });
});
