import { INSTALLER_SETTINGS, type InstallerSetting } from "../schema/installer-settings.ts";
import { snakeCase } from "../schema/names.ts";

const SETTINGS = Object.entries<InstallerSetting>(INSTALLER_SETTINGS);

/** The installer's settings as a Markdown table: the ways to set each, and its effect. */
export function installerSettingTable(): string {
  const rows = SETTINGS.map(([name, { flag, value, argument, env, key, help }]) => {
    const option =
      flag === undefined ? argument : `--${[flag, value].join(" ").trimEnd().replaceAll("|", "\\|")}`;
    return `| \`${option}\` | \`${env}\` | ${key === false ? "–" : `\`${snakeCase(name)}\``} | ${help} |`;
  });
  return ["| option | variable | `k3os.install` | meaning |", "|---|---|---|---|", ...rows, ""].join("\n");
}

/** The installer's settings on the kernel command line, as a Markdown table. */
export function installerParameterTable(): string {
  const rows = SETTINGS.filter(([, { key }]) => key !== false).map(([name, { help }]) => {
    const key = snakeCase(name);
    return `| [\`k3os.install.${key}\`](configuration.md#k3osinstall${key}) | ${help} |`;
  });
  return ["| parameter | meaning |", "|---|---|", ...rows, ""].join("\n");
}
