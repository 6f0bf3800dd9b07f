import { describe, expect, test } from "bun:test";
import { osRelease } from "../../../../lib/make/image/os-release.ts";

describe("osRelease()", () => {
  test("tells the installer where the medium of this version is", () => {
    const lines = osRelease("v0.30.0", "arm64").split("\n");
    expect(lines).toContain("ID=k3os");
    expect(lines).toContain('VERSION_ID="v0.30.0"');
    expect(lines).toContain(
      'ISO_URL="https://github.com/k3os/k3os/releases/download/v0.30.0/k3os-arm64.iso"',
    );
  });
});
