import { describe, expect, test } from "bun:test";
import { packageManifest } from "../../../../lib/make/image/root-base.ts";

describe("packageManifest()", () => {
  test("lists names and versions, sorted", () => {
    const status =
      "Package: zlib1g\nStatus: install ok installed\nVersion: 1:1.3\n\nPackage: bash\nVersion: 5.2-1\n";
    expect(packageManifest(status)).toBe("bash 5.2-1\nzlib1g 1:1.3\n");
  });
});
