import { describe, expect, test } from "bun:test";
import { tarballPlace } from "../../../lib/overlay/apply-overlay.ts";

describe("tarballPlace()", () => {
  test.each([
    ["/tmp/k3os-rootfs-arm64.tar.gz", "/tmp", "arm64"],
    ["https://x/latest/download/k3os-rootfs-arm.tar.gz", "https://x/latest/download", "arm"],
    ["https://x/r/k3os-rootfs-amd64.tar.gz?token=a/b#c", "https://x/r?token=a/b#c", "amd64"],
  ] as const)("takes %s apart", (tarball, directory, arch) => {
    expect(tarballPlace(tarball)).toEqual({ directory, name: `k3os-rootfs-${arch}.tar.gz`, arch });
  });

  test.each([
    ["https://user:secret@x/rootfs.tar.gz", '"https://***@x/rootfs.tar.gz" is not called k3os-rootfs-ARCH'],
    ["/tmp/k3os-rootfs-mips.tar.gz", 'Unsupported architecture "mips"'],
  ])("refuses %s", (tarball, message) => {
    expect(() => tarballPlace(tarball)).toThrow(message);
  });
});
