import { describe, expect, test } from "bun:test";
import { mkdirSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { fileSource } from "../../../../lib/datasource/local/file.ts";
import { testAccess, userdataOf } from "../../../support/access.ts";

const source = fileSource("/var/seed");

describe("fileSource()", () => {
  test("is called as it is configured", () => {
    expect({ name: source.name, title: source.title }).toEqual({
      name: "file=/var/seed",
      title: "/var/seed",
    });
  });

  test("reads the file as user data", async () => {
    using access = testAccess({ files: { "/var/seed": "#cloud-config\n" } });
    expect(userdataOf(await source.read(access))).toBe("#cloud-config\n");
  });

  test("is not there without the file, or without its directory", async () => {
    using access = testAccess({ files: { "/var/x": "" } });
    expect(await source.read(access)).toBeUndefined();
    expect(await fileSource("/var/x/seed").read(access)).toBeUndefined();
  });

  test("refuses a directory, and a file too large to be user data", async () => {
    using access = testAccess({ files: { "/var/large": "" } });
    mkdirSync(join(access.root, "var/seed"));
    await expect(source.read(access)).rejects.toThrow("Cannot read");
    truncateSync(join(access.root, "var/large"), 1 << 30);
    const failure = await fileSource("/var/large")
      .read(access)
      .catch((error) => error);
    expect(failure.cause.message).toBe("larger than 16777216 bytes");
  });
});
