import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { debianMirrors, openAnyAptRoot, sourcesList } from "../../../../lib/make/build/apt.ts";
import { testHost } from "../../../support/host.ts";

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

describe("openAnyAptRoot()", () => {
  /** A mirror whose lists of some suites do not match their signed index. */
  function brokenMirror(broken: readonly string[]) {
    return testHost({
      answer: ([program, ...args], { env = {} }) => {
        if (program === "dpkg-query")
          return { stdout: "debian-archive-keyring installed\ndpkg-dev installed\n" };
        if (program !== "apt-get" || !args.includes("update")) return {};
        const sources = readFileSync(join(dirname(env.APT_CONFIG ?? ""), "etc/sources.list"), "utf8");
        return broken.some((suite) => sources.includes(` ${suite} `))
          ? { code: 100, stderr: "mismatch" }
          : {};
      },
    });
  }
  const suites = [
    { suite: "trixie", arch: "armhf" },
    { suite: "forky", arch: "armhf", allowExpired: true },
  ] as const;

  test("takes the first suite that the mirror has whole, and says so", async () => {
    using host = brokenMirror(["trixie"]);
    await using apt = await openAnyAptRoot(suites, host);
    expect(apt.sources.every((line) => / forky(-\w+)? /.test(line))).toBe(true);
    expect(host.logged.join("\n")).toContain("taking the packages of Debian forky instead");
    expect(readFileSync(apt.env.APT_CONFIG, "utf8")).toContain('Check-Valid-Until "false"');
  });

  test("takes the preferred suite where it can, and never an expired list of it", async () => {
    using host = brokenMirror(["forky"]);
    await using apt = await openAnyAptRoot(suites, host);
    expect(apt.sources.every((line) => / trixie(-\w+)? /.test(line))).toBe(true);
    expect(readFileSync(apt.env.APT_CONFIG, "utf8")).not.toContain("Check-Valid-Until");
  });

  test("does without those updates only that the mirror has not whole", async () => {
    using host = brokenMirror(["trixie-updates"]);
    await using apt = await openAnyAptRoot(suites, host);
    const places = apt.sources.map((line) => / (trixie\S*) /.exec(line)?.[1]);
    expect([...new Set(places)]).toEqual(["trixie", "trixie-security"]);
    expect(host.logged.join("\n")).toContain("Building without trixie-updates for armhf");
  });

  test("fails with the last suite's reason where there is none", async () => {
    using host = brokenMirror(["trixie", "forky"]);
    await expect(openAnyAptRoot(suites, host)).rejects.toThrow("Debian forky for armhf");
  });
});
