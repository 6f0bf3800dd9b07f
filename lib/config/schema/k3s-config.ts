import { GENERATED } from "./generated-files.ts";
import { type ArgumentFlaw, argumentFlaws } from "./k3s-arguments.ts";
import { findOption, isRepeatable, type Role } from "./k3s-options.ts";

/** A problem with one key of `k3s_config`, or with another setting because of it. */
export interface ConfigFlaw extends Omit<ArgumentFlaw, "index"> {
  /** The setting, as users write it. */
  readonly setting:
    | "k3os.k3s_config"
    | "k3os.registries.mirrors"
    | "k3os.registries.configs"
    | "k3os.server_url"
    | "k3os.token"
    | "k3os.taints";
  /** The key in it. */
  readonly key?: string;
}

/** The settings that k3s gets together. */
export interface K3sInput {
  readonly k3sConfig: Readonly<Record<string, readonly string[]>>;
  readonly k3sArgs: readonly string[];
  /** A path of another configuration file in `K3S_CONFIG_FILE`. */
  readonly otherFile: string | undefined;
  readonly isSet: Readonly<
    Record<
      | "k3os.server_url"
      | "k3os.token"
      | "k3os.taints"
      | "k3os.registries.mirrors"
      | "k3os.registries.configs",
      boolean
    >
  >;
}

/**
 * The problems that k3s would have with its configuration file. k3s turns each key into an argument before all others:
 * the last of several values counts, or they add up (k3s, pkg/configfilearg/parser.go). A server skips options that it
 * does not know, an agent does not start with them.
 */
export function configFlaws(input: K3sInput): readonly ConfigFlaw[] {
  const { k3sConfig, k3sArgs, isSet } = input;
  const role = roleOf(k3sArgs, isSet["k3os.server_url"]);
  return [
    ...optionFlaws(k3sConfig, role),
    ...Object.keys(k3sConfig).flatMap((key) => overridden(key, role, input)),
    ...otherFileFlaws(input),
    ...otherRegistriesFlaws(input),
  ];
}

function roleOf([first = ""]: readonly string[], joins: boolean): Role {
  if (first === "server" || first === "agent") return first;
  return joins ? "agent" : "server";
}

function optionName(key: string, role: Role): string {
  const name = key.replace(/\+$/, "");
  const option = findOption(name, role);
  return option.kind === "known" || option.kind === "foreign" ? option.name : name;
}

function optionFlaws(k3sConfig: K3sInput["k3sConfig"], role: Role): ConfigFlaw[] {
  return Object.entries(k3sConfig).flatMap(([key, values]) => {
    const name = key.replace(/\+$/, "");
    const isSkipped = role === "server" && findOption(name, role).kind !== "known";
    const words = values.map((value) => `--${name}=${value}`);
    const found = argumentFlaws([role, ...words], { joins: role === "agent" });
    const messages = new Map(
      found.map(({ message, kept }) => [message.replace(`"--${name}"`, `"${name}"`), kept]),
    );
    return [...messages].map(([message, kept]): ConfigFlaw => {
      const flaw = isSkipped
        ? ({ kept: "warning", message: `${message} (k3s skips it)` } as const)
        : { kept, message };
      return { setting: "k3os.k3s_config", key, ...flaw };
    });
  });
}

/** The values of an option in arguments, as k3s's parser finds them. */
function argumentValues(args: readonly string[], name: string, role: Role): string[] {
  return args.flatMap((word, at) => {
    const [, found, value] = /^--?([A-Za-z][A-Za-z0-9-]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (found === undefined || optionName(found, role) !== name) return [];
    return [value ?? args[at + 1] ?? ""];
  });
}

/**
 * The value of an option that takes one: that of the last argument, else that of the configuration file; undefined if
 * it is not set. `name` is the long one.
 */
export function optionValue(
  { k3sConfig = {}, k3sArgs = [] }: Partial<Pick<K3sInput, "k3sConfig" | "k3sArgs">>,
  name: string,
): string | undefined {
  const role = roleOf(k3sArgs, false);
  const inFile = Object.entries(k3sConfig).flatMap(([key, values]) =>
    optionName(key, role) === name ? values : [],
  );
  return [...inFile, ...argumentValues(k3sArgs, name, role)].at(-1);
}

/** The settings in place of an option, which are environment variables of k3s: the file takes precedence over them. */
const VARIABLES = { server: "k3os.server_url", token: "k3os.token" } as const;

function overridden(key: string, role: Role, { k3sConfig, k3sArgs, isSet }: K3sInput): ConfigFlaw[] {
  const name = optionName(key, role);
  const here = { setting: "k3os.k3s_config", key, kept: "warning" } as const;
  const variable = name === "server" || name === "token" ? VARIABLES[name] : undefined;
  const flaws: ConfigFlaw[] = [];
  if (variable !== undefined && isSet[variable]) {
    const message = `found "${name}" in k3s_config too: that counts, expected it in one of them`;
    flaws.push({ setting: variable, kept: "warning", message });
  }
  const isArgument = argumentValues(k3sArgs, name, role).length > 0;
  if (isArgument && !isRepeatable(name)) {
    flaws.push({
      ...here,
      message: `found "${name}" in k3s_args too: that counts, expected it in one of them`,
    });
  }
  const isTaints = (value: string) => value.startsWith("register-with-taints=");
  if (name === "kubelet-arg" && isSet["k3os.taints"] && k3sConfig[key]?.some(isTaints)) {
    flaws.push({ ...here, message: 'found "register-with-taints" beside k3os.taints: those count' });
  }
  return flaws;
}

/** k3s reads the files beside the one that is named, and only those. */
function otherFileFlaws({ k3sConfig, k3sArgs, otherFile }: K3sInput): ConfigFlaw[] {
  if (Object.keys(k3sConfig).length === 0) return [];
  const option = k3sArgs.some((word) => /^(?:--config|-c)(?:=|$)/.test(word))
    ? "--config in k3s_args"
    : undefined;
  const by = option ?? (otherFile ? "K3S_CONFIG_FILE in environment" : undefined);
  if (by === undefined) return [];
  const message = `found ${by}: k3s reads that file instead, expected one of them`;
  return [{ setting: "k3os.k3s_config", kept: "error", message }];
}

/** k3s reads only the file of registries that it is told to. */
function otherRegistriesFlaws(input: K3sInput): ConfigFlaw[] {
  const path = optionValue(input, "private-registry");
  if (path === undefined || path === GENERATED.registries.path) return [];
  const settings = ["k3os.registries.mirrors", "k3os.registries.configs"] as const;
  const message = `found "private-registry" of k3s too: it reads that file instead, expected one of them`;
  return settings.flatMap((setting) =>
    input.isSet[setting] ? [{ setting, kept: "error" as const, message }] : [],
  );
}
