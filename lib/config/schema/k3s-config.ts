import { type ArgumentFlaw, argumentFlaws } from "./k3s-arguments.ts";
import { findOption, isRepeatable, type Role } from "./k3s-options.ts";

/** A problem with one key of `k3s_config`, or with another setting because of it. */
export interface ConfigFlaw extends Omit<ArgumentFlaw, "index"> {
  /** The setting, as users write it. */
  readonly setting: "k3os.k3s_config" | "k3os.server_url" | "k3os.token" | "k3os.taints";
  /** The key in it. */
  readonly key?: string;
}

/** The settings that k3s gets together. */
export interface K3sInput {
  readonly k3sConfig: Readonly<Record<string, readonly string[]>>;
  readonly k3sArgs: readonly string[];
  /** A path of another configuration file in `K3S_CONFIG_FILE`. */
  readonly otherFile: string | undefined;
  readonly isSet: Readonly<Record<"k3os.server_url" | "k3os.token" | "k3os.taints", boolean>>;
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
  const isArgument = k3sArgs.some((word) => {
    const [, found] = /^--?([A-Za-z][A-Za-z0-9-]*)(?:=|$)/.exec(word) ?? [];
    return found !== undefined && optionName(found, role) === name;
  });
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
