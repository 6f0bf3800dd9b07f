import { describe, expect, test } from "bun:test";
import { existsSync, lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { keepConfig } from "../../../lib/install/keep-config.ts";
import { testHost } from "../../support/host.ts";

describe("keepConfig()", () => {
  test("replaces the system's file, readable for root only", () => {
    using host = testHost({ files: { "/k3os/system/config.yaml": "hostname: old\n" } });
    const config = { hostname: "n1", k3os: { token: "T", install: { device: "/dev/vda" } } };
    expect(keepConfig(config, host)).toBe("/k3os/system/config.yaml");
    const file = join(host.root, "k3os/system/config.yaml");
    expect(readFileSync(file, "utf8")).toBe("hostname: n1\nk3os:\n  token: T\n");
    expect(lstatSync(file).mode & 0o777).toBe(0o600);
    expect(existsSync(join(host.root, "var"))).toBe(false);
  });

  test("tells of a failure that is not for want of write access", () => {
    using host = testHost({ files: { "/k3os": "a file\n" } });
    expect(() => keepConfig({}, host)).toThrow('Cannot write "');
  });
});
