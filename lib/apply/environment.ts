import { GENERATED } from "../config/schema/generated-files.ts";
import type { CloudConfig } from "../config/schema/schema.ts";
import { cmd } from "../tools/host/cmd.ts";
import { CommandError } from "../tools/text/errors.ts";
import { type Applier, type ApplyHost, checkItems, mapItems, plainText, throwErrors } from "./applier.ts";
import { generator } from "./generator.ts";
import { readIfExists } from "./system-files.ts";

/**
 * Merges variables into /etc/environment, which logins, k3s and the installer read, and passes them to all services;
 * with `reload`, to those that start from now on.
 */
export function environment(options: { reload: boolean }): Applier {
  return {
    name: "environment",
    apply: async (config, host) => {
      const items = mapItems("k3os.environment", config.k3os?.environment);
      const { good, errors } = checkItems(items, checkVariable);
      const files = generator(config, host);
      if (good.length > 0) {
        const image = readIfExists(GENERATED.environment.path, host) ?? "";
        const merged = new Map([...parseEnvironment(image), ...good]);
        files.put(GENERATED.environment, formatEnvironment(merged));
      }
      const changed =
        good.length > 0
          ? files.put(GENERATED.serviceEnvironment, serviceEnvironment(new Map(good)))
          : files.remove(GENERATED.serviceEnvironment);
      if (changed && options.reload && !host.dryRun) await host.run(cmd`systemctl daemon-reload`);
      throwErrors(errors);
    },
  };
}

/** The host with the configured variables in its environment: requests for the user honour a proxy set there. */
export function withEnvironment(config: CloudConfig, host: ApplyHost): ApplyHost {
  return { ...host, env: { ...host.env, ...config.k3os?.environment } };
}

function checkVariable([name, value]: readonly [string, string]): readonly [string, string] {
  if (/^[A-Za-z_]\w*$/.test(name)) return [name, plainText(value)];
  throw new CommandError("expected letters, digits and _ in the name");
}

/** The variables of an environment file: `NAME=value` with or without `export` and quotes; comments are dropped. */
export function parseEnvironment(text: string): Map<string, string> {
  const variables = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, name, value] = /^\s*(?:export\s+)?([A-Za-z_]\w*)=(.*?)\s*$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) variables.set(name, unquote(value));
  }
  return variables;
}

function unquote(value: string): string {
  if (value.length >= 2 && value.startsWith("'") && value.endsWith("'")) return value.slice(1, -1);
  if (value.length < 2 || !value.startsWith('"') || !value.endsWith('"')) return value;
  return value.slice(1, -1).replaceAll(/\\(["\\$`])/g, "$1");
}

/** The text of an environment file, sorted by name. */
export function formatEnvironment(variables: ReadonlyMap<string, string>): string {
  const sorted = [...variables].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([name, value]) => `${name}=${quote(value)}\n`).join("");
}

/**
 * The value in quotes that all readers understand alike: a shell, systemd's EnvironmentFile (which does not expand),
 * and pam_env (which only strips the outer quotes). Only a value with both `'` and one of `"$\`` in it needs
 * backslashes, which pam_env would keep.
 */
function quote(value: string): string {
  if (!/["$`\\]/.test(value)) return `"${value}"`;
  if (!value.includes("'")) return `'${value}'`;
  return `"${value.replaceAll(/["$`\\]/g, "\\$&")}"`;
}

/**
 * A drop-in for the service manager; `%` begins a specifier there.
 * https://www.freedesktop.org/software/systemd/man/latest/systemd-system.conf.html
 */
function serviceEnvironment(variables: ReadonlyMap<string, string>): string {
  const sorted = [...variables].sort(([a], [b]) => (a < b ? -1 : 1));
  const assignments = sorted.map(([name, value]) => {
    const escaped = value.replaceAll(/["\\]/g, "\\$&").replaceAll("%", "%%");
    return `DefaultEnvironment="${name}=${escaped}"\n`;
  });
  return `[Manager]\n${assignments.join("")}`;
}
