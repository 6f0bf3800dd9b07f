import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { GENERATED } from "../../../../lib/config/schema/generated-files.ts";
import { settingNames } from "../../../../lib/config/write/explain-settings.ts";
import { PROJECT } from "../../../support/sources.ts";

const page = readFileSync(join(PROJECT, "docs/configuration.md"), "utf8");

test.each(Object.values(GENERATED).map(({ path, keys }) => [path, keys] as const))(
  "%s is documented, and made of settings that exist",
  (path, keys) => {
    const rows = page.split("\n").filter((line) => line.startsWith("| `/"));
    const row = rows.find((line) => line.includes(path) || line.includes(`\`${path.split("/").at(-1)}\``));
    expect(row).toBeDefined();
    for (const key of keys) {
      expect(row).toContain(`\`${key}\``);
      expect(settingNames()).toContain(key);
    }
  },
);
