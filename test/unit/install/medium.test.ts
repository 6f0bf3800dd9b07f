import { describe, expect, test } from "bun:test";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyMedium, linkMedium } from "../../../lib/install/copy-system.ts";
import { inspectMedium, looksLikeMedium } from "../../../lib/install/medium.ts";
import { hostTarget } from "../../../lib/tools/host/targets.ts";
import { testHost } from "../../support/host.ts";
import { executable, type MediumOptions, makeMedium } from "../../support/medium.ts";

const NEVER = new AbortController().signal;

interface Directory extends Disposable {
  readonly path: string;
}

function temporaryDirectory(): Directory {
  const path = mkdtempSync(join(tmpdir(), "k3os-medium-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

function inspect(options: MediumOptions = {}) {
  using directory = temporaryDirectory();
  makeMedium(directory.path, options);
  return inspectMedium(directory.path, hostTarget());
}

describe("inspectMedium()", () => {
  test("finds the versions behind the links, and the size of all files", () => {
    const medium = inspect();
    expect(medium.versions).toEqual({ k3os: "v1.2.3", kernel: "6.12.1", k3s: "v1.30.0+k3s1" });
    expect(medium.size).toBe(64 + 2_500_000 + 64 + 23 + 7);
  });

  test("lists directories before what is in them, and leaves config.yaml to others", () => {
    const paths = inspect().entries.map(({ path }) => path);
    expect(paths.indexOf("k3os/system/kernel")).toBeLessThan(paths.indexOf("k3os/system/kernel/current"));
    expect(paths).not.toContain("k3os/system/config.yaml");
  });

  test("takes a config.yaml that says something, and not one of comments only", () => {
    expect(inspect().config).toBeUndefined();
    const files = { "k3os/system/config.yaml": "# a\nhostname: b\n" };
    expect(inspect({ files }).config?.toString()).toBe("# a\nhostname: b\n");
  });

  test("goes without k3s, which the first boot can fetch", () => {
    using directory = temporaryDirectory();
    makeMedium(directory.path);
    rmSync(join(directory.path, "k3os/system/k3s"), { recursive: true });
    expect(inspectMedium(directory.path, hostTarget()).versions.k3s).toBeUndefined();
  });

  test.each([
    "k3os/system/k3os/v1.2.3/k3os",
    "k3os/system/k3os/v1.2.3/k3os.squashfs",
    "k3os/system/kernel/6.12.1/kernel.squashfs",
    "k3os/system/kernel/6.12.1/initrd",
  ])("refuses a medium without %s, or where that is empty", (path) => {
    expect(() => inspect({ files: { [path]: undefined } })).toThrow("is missing");
    expect(() => inspect({ files: { [path]: "" } })).toThrow("is empty");
  });

  test("refuses a medium for another architecture, or whose program is none", () => {
    const program = "k3os/system/k3os/v1.2.3/k3os";
    expect(() => inspect({ files: { [program]: executable(0xf3) } })).toThrow(
      "for another architecture: found ELF machine 243",
    );
    expect(() => inspect({ files: { [program]: "<html>" } })).toThrow("not an ELF executable");
  });

  test("refuses links that lead out of the system", () => {
    for (const target of ["/etc/shadow", "../../../../etc"]) {
      expect(() => inspect({ links: { "k3os/system/kernel/other": target } })).toThrow(
        "leads out of its tree",
      );
    }
  });

  test("allows any link below k3os/data, the future root", () => {
    expect(
      inspect({ links: { "k3os/data/etc/localtime": "/usr/share/zoneinfo/UTC" } }).entries,
    ).toContainEqual({
      kind: "link",
      path: "k3os/data/etc/localtime",
      target: "/usr/share/zoneinfo/UTC",
    });
  });
});

describe("looksLikeMedium()", () => {
  test("tells a medium from any other directory", () => {
    using directory = temporaryDirectory();
    expect(looksLikeMedium(directory.path)).toBe(false);
    makeMedium(directory.path);
    expect(looksLikeMedium(directory.path)).toBe(true);
  });
});

describe("copyMedium() and linkMedium()", () => {
  test("copy content and permissions, links last, and leave nothing temporary", async () => {
    using host = testHost();
    using from = temporaryDirectory();
    using to = temporaryDirectory();
    makeMedium(from.path);
    const medium = inspectMedium(from.path, hostTarget());
    await copyMedium(medium, to.path, NEVER, host);
    const current = join(to.path, "k3os/system/k3os/current");
    expect(lstatSync(current, { throwIfNoEntry: false })).toBeUndefined();
    linkMedium(medium, to.path);
    expect(readlinkSync(current)).toBe("v1.2.3");
    const program = join(to.path, "k3os/system/k3os/v1.2.3/k3os");
    expect(readFileSync(program).equals(executable())).toBe(true);
    expect(lstatSync(program).mode & 0o777).toBe(0o755);
    expect(inspectMedium(to.path, hostTarget()).entries).toEqual(medium.entries);
  });

  test("replace what is there of the same names, whatever it is, and keep the rest", async () => {
    using host = testHost();
    using from = temporaryDirectory();
    using to = temporaryDirectory();
    makeMedium(from.path);
    makeMedium(to.path, { links: { "k3os/system/k3os/current": "v0.old" } });
    const kernel = join(to.path, "k3os/system/kernel/6.12.1");
    rmSync(kernel, { recursive: true });
    writeFileSync(kernel, "a file in place of a directory");
    const squashfs = join(to.path, "k3os/system/k3os/v1.2.3/k3os.squashfs");
    rmSync(squashfs);
    mkdirSync(squashfs);
    writeFileSync(join(to.path, "k3os/system/k3os/v0.old"), "kept");
    const medium = inspectMedium(from.path, hostTarget());
    await copyMedium(medium, to.path, NEVER, host);
    linkMedium(medium, to.path);
    expect(readlinkSync(join(to.path, "k3os/system/k3os/current"))).toBe("v1.2.3");
    expect(readFileSync(join(kernel, "initrd"), "utf8")).toBe("initrd\n");
    expect(lstatSync(squashfs).size).toBe(2_500_000);
    expect(readFileSync(join(to.path, "k3os/system/k3os/v0.old"), "utf8")).toBe("kept");
  });

  test("fail when a file is no longer what was inspected", async () => {
    using host = testHost();
    using from = temporaryDirectory();
    using to = temporaryDirectory();
    makeMedium(from.path);
    const medium = inspectMedium(from.path, hostTarget());
    writeFileSync(join(from.path, "k3os/system/kernel/6.12.1/initrd"), "shorter");
    writeFileSync(join(from.path, "k3os/system/kernel/6.12.1/initrd"), "short");
    await expect(copyMedium(medium, to.path, NEVER, host)).rejects.toThrow(
      'Cannot copy "k3os/system/kernel/6.12.1/initrd"',
    );
  });
});
