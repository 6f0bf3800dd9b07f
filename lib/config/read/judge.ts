import { GENERATED, writtenBy } from "../schema/generated-files.ts";
import { argumentFlaws } from "../schema/k3s-arguments.ts";
import { configFlaws } from "../schema/k3s-config.ts";
import { removedVariable } from "../schema/k3s-options.ts";
import { joinPath, snakeCase } from "../schema/names.ts";
import { quoted } from "../schema/scalars.ts";
import type { Diagnostic } from "./diagnostics.ts";
import { effectiveValue, type Merged, mergeLayers, type Origins } from "./merge.ts";
import type { Layer } from "./setting.ts";

/** The input of the rules: the merged settings of all sources. */
type Judged = Pick<Merged, "config" | "origins">;

/**
 * Finds valid settings that are probably not intended; each rule examines the whole configuration, not single values.
 */
const RULES: readonly ((judged: Judged) => readonly Diagnostic[])[] = [
  filesOverKeys,
  k3sArguments,
  k3sConfigFile,
  k3sVariables,
  sameTaints,
];

/** The merged layers ({@link mergeLayers}), with all diagnostics. */
export function judgeLayers(layers: readonly Layer[]): Merged {
  const merged = mergeLayers(layers);
  return { ...merged, diagnostics: [...merged.diagnostics, ...RULES.flatMap((rule) => rule(merged))] };
}

/** If the user writes a generated file, settings for this file have no effect. */
function filesOverKeys({ config, origins }: Judged): readonly Diagnostic[] {
  const place = origins.get("writeFiles")?.at(-1)?.place;
  return Object.values(GENERATED).flatMap((file): Diagnostic[] => {
    const index = writtenBy(file, config);
    const entry = config.writeFiles?.[index];
    const keys = file.keys.filter((key) => isSet(key, origins));
    if (place === undefined || entry === undefined || keys.length === 0) return [];
    const path = joinPath(joinPath("write_files", index), "path");
    const message = `found ${JSON.stringify(entry.path)} beside ${keys.join(" and ")}: the file counts, and nothing else is written to it`;
    return [{ severity: "warning", place, path, message }];
  });
}

/** Arguments that k3s refuses or does not know. */
function k3sArguments({ config, origins }: Judged): readonly Diagnostic[] {
  const place = origins.get("k3os.k3sArgs")?.at(-1)?.place;
  const { k3sArgs = [], serverUrl = "" } = config.k3os ?? {};
  if (place === undefined) return [];
  return argumentFlaws(k3sArgs, { joins: serverUrl !== "" }).map(({ index, kept, message }) => {
    return { severity: kept, place, path: joinPath("k3os.k3s_args", index), message };
  });
}

/** Options in k3s's own file that k3s refuses or does not know, and settings that replace each other. */
function k3sConfigFile({ config, origins }: Judged): readonly Diagnostic[] {
  const { k3sConfig = {}, k3sArgs = [], environment = {} } = config.k3os ?? {};
  const isOn = (key: string) => isSet(key, origins);
  const flaws = configFlaws({
    k3sConfig,
    k3sArgs,
    otherFile: environment.K3S_CONFIG_FILE,
    isSet: {
      "k3os.server_url": isOn("k3os.server_url"),
      "k3os.token": isOn("k3os.token"),
      "k3os.taints": isOn("k3os.taints"),
      "k3os.registries.mirrors": isOn("k3os.registries.mirrors"),
      "k3os.registries.configs": isOn("k3os.registries.configs"),
    },
  });
  return flaws.flatMap(({ setting, key, kept, message }): Diagnostic[] => {
    const [, settings = []] = [...origins].find(([path]) => snakeCase(path) === setting) ?? [];
    const place = settings.at(-1)?.place;
    const path = key === undefined ? setting : joinPath(setting, key);
    return place === undefined ? [] : [{ severity: kept, place, path, message }];
  });
}

/** Variables that k3s no longer reads. */
function k3sVariables({ config, origins }: Judged): readonly Diagnostic[] {
  const place = origins.get("k3os.environment")?.at(-1)?.place;
  return Object.keys(config.k3os?.environment ?? {}).flatMap((name): Diagnostic[] => {
    const removed = removedVariable(name);
    if (place === undefined || removed === undefined) return [];
    const message = `k3s has not read it since ${removed.since}: expected ${removed.instead}`;
    return [{ severity: "warning", place, path: joinPath("k3os.environment", name), message }];
  });
}

/**
 * The kubelet does not start with two taints of the same key and effect.
 * https://github.com/kubernetes/kubernetes/blob/master/pkg/util/taints/taints.go
 */
function sameTaints({ config, origins }: Judged): readonly Diagnostic[] {
  const place = origins.get("k3os.taints")?.at(-1)?.place;
  const kinds = (config.k3os?.taints ?? []).map((taint) => taint.replace(/(?:=[^:]*)?:/, ":"));
  return kinds.flatMap((kind, index): Diagnostic[] => {
    if (place === undefined || kinds.indexOf(kind) === index) return [];
    const message = `found another taint of the key and effect ${quoted(kind, {})}, expected one`;
    return [{ severity: "error", place, path: joinPath("k3os.taints", index), message }];
  });
}

/** Whether a setting, in its written form, has a value: an empty value clears it. */
function isSet(key: string, origins: Origins): boolean {
  const [, settings = []] = [...origins].find(([path]) => snakeCase(path) === key) ?? [];
  const value = effectiveValue(settings);
  return typeof value === "object" ? Object.keys(value).length > 0 : value !== undefined && value !== "";
}
