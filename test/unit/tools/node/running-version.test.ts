import { describe, expect, test } from "bun:test";
import { osRelease } from "../../../../lib/make/image/os-release.ts";
import { VERSION } from "../../../../lib/tools/host/version.ts";
import { runningVersion } from "../../../../lib/tools/node/running-version.ts";
import { testHost } from "../../../support/host.ts";

describe("runningVersion()", () => {
  test("is what the machine was started with, whatever this program is", () => {
    using host = testHost({ files: { "/usr/lib/os-release": osRelease("v0.30.1", "arm64") } });
    expect(runningVersion(host)).toBe("v0.30.1");
  });

  test("is this program's on another system", () => {
    using debian = testHost({ files: { "/usr/lib/os-release": 'ID=debian\nVERSION_ID="13"\n' } });
    using empty = testHost({ files: {} });
    expect([runningVersion(debian), runningVersion(empty)]).toEqual([VERSION, VERSION]);
  });
});
