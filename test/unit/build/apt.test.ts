import { describe, expect, test } from "bun:test";
import { debianMirrors, sourcesList } from "../../../lib/build/apt.ts";

describe("debianMirrors()", () => {
  test("are Debian's own by default", () => {
    expect(debianMirrors({})).toEqual({
      main: "http://deb.debian.org/debian",
      security: "http://deb.debian.org/debian-security",
    });
  });

  test("can be others, the one for security beside the other or anywhere", () => {
    expect(debianMirrors({ K3OS_DEBIAN_MIRROR: "http://mirror/debian/" }).security).toBe(
      "http://mirror/debian-security",
    );
    const both = { K3OS_DEBIAN_MIRROR: "http://a/debian", K3OS_DEBIAN_SECURITY_MIRROR: "http://b/sec" };
    expect(debianMirrors(both)).toEqual({ main: "http://a/debian", security: "http://b/sec" });
  });
});

describe("sourcesList()", () => {
  test("holds the release, its updates and its security updates, signed by Debian", () => {
    const lines = sourcesList("trixie", { K3OS_DEBIAN_MIRROR: "http://mirror/debian" });
    expect(lines.map((line) => line.replace(/^deb \[signed-by=\S+\] /, ""))).toEqual([
      "http://mirror/debian trixie main non-free-firmware",
      "http://mirror/debian trixie-updates main non-free-firmware",
      "http://mirror/debian-security trixie-security main non-free-firmware",
    ]);
  });

  test("holds the same places for sources when asked to", () => {
    const lines = sourcesList("trixie", {}, { withSources: true });
    expect(lines.filter((line) => line.startsWith("deb-src ")).length).toBe(3);
  });
});
