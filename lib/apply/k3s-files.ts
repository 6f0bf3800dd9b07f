import { isRepeatable } from "../config/schema/k3s-options.ts";
import { REGISTRIES } from "../config/schema/registries.ts";
import type { K3osConfig } from "../config/schema/schema.ts";
import { inSnakeCase } from "../config/write/dump.ts";
import { emitYaml, type YamlValue } from "../config/write/emit-yaml.ts";

/** The first line of the files: only files with it are removed when there are no settings for them. */
export const WRITTEN_BY_US = "# Written by k3OS: change the setting instead";

const EMBEDDED = "embedded-registry";

/**
 * The file that k3s reads beside its `config.yaml`; undefined if it would be empty. All values are strings, as k3s
 * passes them on: its YAML reader would convert 0640 to 416.
 */
export function k3sConfigFile(
  { k3sConfig = {}, registries = {} }: Pick<K3osConfig, "k3sConfig" | "registries">,
  role: string | undefined,
): string | undefined {
  const options: Record<string, readonly string[]> = { ...k3sConfig };
  // only servers have this option: they pass it on to the agents
  if (registries.embedded && role === "server") options[EMBEDDED] ??= ["true"];
  const entries = Object.entries(options).flatMap(([name, values]): [string, YamlValue][] => {
    const [first] = values;
    if (first === undefined) return [];
    return [[name, isRepeatable(name.replace(/\+$/, "")) || values.length > 1 ? values : first]];
  });
  if (entries.length === 0) return undefined;
  return `${WRITTEN_BY_US}, k3os.k3s_config\n${emitYaml(Object.fromEntries(entries.sort()))}`;
}

/** k3s's `registries.yaml`; undefined without registries. */
export function registriesFile({ registries = {} }: Pick<K3osConfig, "registries">): string | undefined {
  const { mirrors = {}, configs = {}, embedded } = registries;
  // the embedded registry only serves the registries that are named here
  const named = embedded && Object.keys(mirrors).length === 0 ? { "*": {} } : mirrors;
  const used = {
    ...(Object.keys(named).length > 0 && { mirrors: named }),
    ...(Object.keys(configs).length > 0 && { configs }),
  };
  if (Object.keys(used).length === 0) return undefined;
  return `${WRITTEN_BY_US}, k3os.registries\n${emitYaml(inSnakeCase(REGISTRIES, used))}`;
}
