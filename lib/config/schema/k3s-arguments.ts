import type { Flaw, TextField } from "./field.ts";
import { labelNameFlaw, serverUrlFlaw } from "./flaws.ts";
import { HOSTNAME, LABEL_NAME, LABEL_VALUE, TAINT } from "./forms.ts";
import {
  findOption,
  findRemovedArgument,
  findRemovedValue,
  type Option,
  type Role,
  TABLE_OF,
} from "./k3s-options.ts";
import { quoted, textProblem } from "./scalars.ts";

/** A problem with one word of `k3s_args`. */
export interface ArgumentFlaw extends Flaw {
  readonly kept: "error" | "warning";
  /** Of the word. */
  readonly index: number;
}

type Found = Omit<ArgumentFlaw, "index">;

/** A word that begins with a dash, parsed as in k3s. */
interface Word {
  readonly index: number;
  /** Without dashes. */
  readonly name: string;
  /** As written, without a value. */
  readonly shown: string;
  readonly option: Option;
  /** Its value, from the same word or the next one, and its position. */
  readonly value?: { readonly text: string; readonly index: number };
}

/**
 * The problems that k3s, and the kubelet in it, would have with arguments. `joins`: there is a server to join, so a
 * node without an explicit role is an agent. Never shows a value: tokens may be among them.
 */
export function argumentFlaws(
  args: readonly string[],
  { joins }: { joins: boolean },
): readonly ArgumentFlaw[] {
  const [first = ""] = args;
  const isRole = first === "server" || first === "agent";
  const role: Role = isRole ? first : joins ? "agent" : "server";
  const flaws: ArgumentFlaw[] = [];
  const add = (index: number, ...found: readonly (Found | undefined)[]) => {
    for (const one of found) if (one !== undefined) flaws.push({ index, ...one });
  };
  for (let index = isRole ? 1 : 0; index < args.length; index++) {
    const text = args[index] ?? "";
    if (!/^--?[A-Za-z]/.test(text)) {
      add(index, strayFlaw(args, index));
      break;
    }
    if (/^[^=\s]+\s+\S/.test(text)) {
      add(index, blankFlaw(text));
      continue;
    }
    const word = takeWord(args, index, role);
    add(index, optionFlaw(word, role));
    if (word.value !== undefined) add(word.value.index, ...valueFlaws(word.name, word.value.text));
    if (word.value !== undefined) index = word.value.index;
  }
  return flaws;
}

/**
 * k3s parses options like Go's flag package: with one dash or two, the value after `=` or in the next word.
 * https://pkg.go.dev/flag#hdr-Command_line_flag_syntax
 */
function takeWord(args: readonly string[], index: number, role: Role): Word {
  const text = args[index] ?? "";
  const [shown = "", ...rest] = text.split("=");
  const name = shown.replace(/^--?/, "");
  const option = findOption(name, role);
  const word = { index, name, shown, option };
  if (rest.length > 0) return { ...word, value: { text: rest.join("="), index } };
  const next = args[index + 1];
  const takesNext =
    option.kind === "unknown" ? next !== undefined && !next.startsWith("-") : option.takesValue;
  return takesNext && next !== undefined ? { ...word, value: { text: next, index: index + 1 } } : word;
}

function strayFlaw(args: readonly string[], index: number): Found {
  const text = args[index] ?? "";
  if (index === 0) {
    const several = /^(?:server|agent)\s/.test(text);
    const found = several ? "found several words in one item" : `found ${quoted(text, {})}`;
    return {
      kept: "error",
      message: `${found}, expected "server", "agent" or an option, each word an item of its own`,
    };
  }
  const ignored = args.slice(index + 1).some((word) => word.startsWith("-"));
  const message = "found a word that belongs to no option: k3s reads neither it nor what follows";
  return { kept: ignored ? "error" : "warning", message };
}

function blankFlaw(text: string): Found {
  const [name = ""] = text.split(/\s/);
  const message = `found ${quoted(name, {})} and its value in one word, expected two items, or "${name}=VALUE"`;
  return { kept: "error", message };
}

function optionFlaw({ shown, option, value }: Word, role: Role): Found | undefined {
  const found = `found ${quoted(shown, {})}`;
  switch (option.kind) {
    case "known":
      if (!option.takesValue || value !== undefined) return undefined;
      return { kept: "error", message: `${found} without a value` };
    case "foreign": {
      const other = role === "server" ? "agent" : "server";
      return { kept: "error", message: `${found}, which "k3s ${role}" does not take, only "k3s ${other}"` };
    }
    case "removed": {
      const { since, instead = "nothing" } = option;
      return {
        kept: "error",
        message: `${found}, which k3s has not taken since ${since}: expected ${instead}`,
      };
    }
    case "unknown": {
      const advice = option.near === undefined ? "" : `: did you mean "--${option.near}"?`;
      return { kept: "warning", message: `${found}, which k3s ${TABLE_OF} does not know${advice}` };
    }
  }
}

const NAME: TextField = { kind: "text", form: HOSTNAME };
const TAINTS: TextField = { kind: "text", form: TAINT };
const LABEL: readonly TextField[] = [
  { kind: "text", form: LABEL_NAME, judge: labelNameFlaw },
  { kind: "text", form: LABEL_VALUE },
];

function valueFlaws(option: string, text: string): readonly Found[] {
  const errors = (...messages: readonly (string | undefined)[]): Found[] =>
    messages.flatMap((message) => (message === undefined ? [] : [{ kept: "error" as const, message }]));
  switch (option) {
    case "node-label":
      return errors(...text.split(",").map(labelProblem));
    case "node-taint":
      return errors(textProblem(TAINTS, text));
    case "node-name":
      return errors(textProblem(NAME, text));
    case "server":
    case "s":
      return errors(serverUrlFlaw(text)?.message);
    default: {
      const [name = ""] = text.split("=");
      const removed = findRemovedValue(option, text) ?? findRemovedArgument(option, name);
      if (removed === undefined) return [];
      return errors(
        `found ${quoted(name, {})}, which k3s has not taken since ${removed.since}: expected ${removed.instead}`,
      );
    }
  }
}

function labelProblem(label: string): string | undefined {
  const at = label.indexOf("=");
  if (at < 0) return "found a label without a value, expected KEY=VALUE";
  const parts = [label.slice(0, at), label.slice(at + 1)];
  for (const [index, field] of LABEL.entries()) {
    const problem = textProblem(field, parts[index] ?? "");
    if (problem !== undefined) return problem;
  }
  return undefined;
}
