import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { timezone } from "../../../lib/apply/timezone.ts";
import { parseBytes } from "../../../lib/config/read/parse.ts";
import { testHost } from "../../support/host.ts";
import { outcome } from "../../support/outcome.ts";

const files = { "/usr/share/zoneinfo/US/Pacific": "TZif", "/etc/passwd": "" };

describe("timezone", () => {
  test("links /etc/localtime to the zone, and names it", async () => {
    using host = testHost({ files });
    expect(await outcome(timezone, { k3os: { timezone: "US/Pacific" } }, host)).toBe("");
    expect(readlinkSync(join(host.root, "etc/localtime"))).toBe("/usr/share/zoneinfo/US/Pacific");
    expect(readFileSync(join(host.root, "etc/timezone"), "utf8")).toBe("US/Pacific\n");
  });

  test("refuses a zone that is not there", async () => {
    using host = testHost({ files });
    for (const name of ["Europe/Nowhere", "../../etc/passwd"]) {
      const said = await outcome(timezone, { k3os: { timezone: name } }, host);
      expect(said).toContain(`Unknown time zone "${name}"`);
    }
    expect(existsSync(join(host.root, "etc/localtime"))).toBe(false);
  });

  test("changes nothing in a dry run", async () => {
    using host = testHost({ files });
    await timezone.apply({ k3os: { timezone: "US/Pacific" } }, { ...host, dryRun: true });
    expect(existsSync(join(host.root, "etc/localtime"))).toBe(false);
  });
});

test.each(["Europe/Berlin", "US/Pacific", "UTC", "Etc/GMT+8", "America/Argentina/Buenos_Aires", "GB"])(
  "k3os.timezone may be %s",
  (name) => {
    expect(parseBytes(Buffer.from(`k3os: {timezone: ${name}}`), "x").diagnostics).toEqual([]);
  },
);

test.each(["europe/berlin", "Europe/Berlln", "CEST+2", "../Europe/Berlin", "Mars/Base"])(
  "k3os.timezone may not be %s",
  (name) => {
    const [found] = parseBytes(Buffer.from(`k3os: {timezone: ${name}}`), "x").diagnostics;
    expect(found?.message).toContain('expected the name of a time zone such as "Europe/Berlin"');
  },
);
