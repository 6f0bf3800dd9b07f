import { describe, expect, test } from "bun:test";
import {
  INSTALLER_SETTINGS,
  type InstallerSetting,
} from "../../../../lib/config/schema/installer-settings.ts";
import { snakeCase } from "../../../../lib/config/schema/names.ts";
import { SCHEMA } from "../../../../lib/config/schema/schema.ts";
import {
  installerParameterTable,
  installerSettingTable,
} from "../../../../lib/config/write/installer-tables.ts";

const SETTINGS = Object.entries<InstallerSetting>(INSTALLER_SETTINGS);
const KEYS = Object.keys(SCHEMA.fields.k3os.fields.install.fields);

/** The cells of a table's rows, without its head. */
function rowsOf(table: string): string[][] {
  const [, , ...rows] = table.trimEnd().split("\n");
  return rows.map((row) => row.slice(2, -2).split(/ (?<!\\)\| /));
}

describe("installerSettingTable()", () => {
  test("has option, variable, key and meaning of every setting", () => {
    const rows = rowsOf(installerSettingTable());
    expect(rows.map(([, variable]) => variable)).toEqual(SETTINGS.map(([, { env }]) => `\`${env}\``));
    expect(rows.flatMap(([, , key]) => (key === "–" ? [] : [key]))).toEqual(
      KEYS.map((name) => `\`${snakeCase(name)}\``),
    );
    expect(rows).toContainEqual([
      ...["`--config FILE\\|URL`", "`K3OS_INSTALL_CONFIG_URL`", "`config_url`"],
      INSTALLER_SETTINGS.configUrl.help,
    ]);
    expect(rows.filter((row) => row.length !== 4)).toEqual([]);
  });

  test("has no variable twice, and none of another program", () => {
    const variables = SETTINGS.map(([, { env }]) => env);
    expect(new Set(variables).size).toBe(variables.length);
    expect(variables.filter((name) => !name.startsWith("K3OS_INSTALL_"))).toEqual([]);
  });
});

test("installerParameterTable() explains every key of k3os.install", () => {
  const names = rowsOf(installerParameterTable()).map(
    ([name = ""]) => /`k3os\.install\.(\w+)`/.exec(name)?.[1],
  );
  expect(names).toEqual(KEYS.map(snakeCase));
});
