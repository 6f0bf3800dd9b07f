import { expect, test } from "bun:test";
import { splitZone } from "../../../../lib/tools/http/http-url.ts";

test.each([
  ["http://[fe80::a9fe:a9fe%25eth0]/x", "http://[fe80::a9fe:a9fe]/x", "eth0"],
  ["http://[FE80::1%25br-1.5]:8080/", "http://[FE80::1]:8080/", "br-1.5"],
  ["http://[fe80::1]/", "http://[fe80::1]/", undefined],
  ["http://[fd00::1%25eth0]/", "http://[fd00::1%25eth0]/", undefined],
  ["http://host/[fe80::1%25eth0]", "http://host/[fe80::1%25eth0]", undefined],
])("splitZone() of %s", (url, plain, zone) => {
  expect(splitZone(url)).toEqual({ url: plain, zone });
});
