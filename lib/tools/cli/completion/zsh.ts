import type { CompletedCommand, CompletedOption, Completion } from "./describe-commands.ts";
import { singleQuoted } from "./quote.ts";

/** The completion script for zsh, a file in its `fpath`: one function per command, with zsh's own `_arguments`. */
export function zshCompletion(commands: readonly CompletedCommand[]): string {
  const names = commands.flatMap(({ links }) => links);
  return `#compdef ${names.join(" ")}
# Completion of k3os for zsh, written by "k3os completion zsh"

_k3os_device() {
  local -a devices
  devices=(\${(f)"$(lsblk --list --noheadings --paths --output NAME 2>/dev/null)"})
  _wanted devices expl device compadd -a devices
}

${commands.map(commandFunction).join("\n\n")}

_k3os() {
  case $service in
${commands.flatMap(linkCases).join("\n")}
    *) _k3os_program ;;
  esac
}

# this is loaded as a function of that name, or sourced
if [[ $funcstack[1] == _k3os ]]; then
  _k3os "$@"
else
  compdef _k3os ${names.join(" ")}
fi
`;
}

function functionName(words: readonly string[]): string {
  return ["_k3os", ...(words.length === 0 ? ["program"] : words)].join("_").replaceAll("-", "_");
}

function linkCases({ words, links }: CompletedCommand): string[] {
  if (words.length === 0) return [];
  return links.map((name) => `    ${name}) ${functionName(words)} ;;`);
}

function commandFunction(command: CompletedCommand): string {
  const { words, subcommands } = command;
  const specs = [...command.options.flatMap(optionSpecs), ...argumentSpecs(command)];
  const call = `  _arguments -C \\\n${specs.map((spec) => `    ${singleQuoted(spec)}`).join(" \\\n")}`;
  const below = subcommands.map(({ names }) => {
    return `    ${names.join("|")}) ${functionName([...words, names[0] ?? ""])} ;;`;
  });
  const descent =
    subcommands.length === 0
      ? ""
      : `\n  [[ $state == below ]] || return\n  case $words[1] in\n${below.join("\n")}\n  esac`;
  return `${functionName(words)}() {
  local curcontext=$curcontext state line expl
  typeset -A opt_args
${call}${descent}
}`;
}

function optionSpecs({ names, help, multiple, value }: CompletedOption): string[] {
  const last = names.includes("--help") || names.includes("--version");
  const others = last ? "(- *)" : multiple ? "*" : names.length > 1 ? `(${names.join(" ")})` : "";
  const text = help.replace(/[[\]\\]/g, "\\$&");
  return names.map((name) => {
    const takes = value !== undefined && name.startsWith("--") ? "=" : "";
    return `${others}${name}${takes}[${text}]${value === undefined ? "" : `:value:${action(value)}`}`;
  });
}

function argumentSpecs({ words, subcommands, arguments: places, repeats }: CompletedCommand): string[] {
  if (subcommands.length > 0) {
    const rows = subcommands.map(({ names: [name = ""], summary }) => `${name}\\:"${within(summary)}"`);
    return [`1:${words.length === 0 ? "command" : "subcommand"}:((${rows.join(" ")}))`, "*:: :->below"];
  }
  return places.map((place, index) => {
    const number = repeats && index === places.length - 1 ? "*" : String(index + 1);
    return `${number}:argument:${action(place)}`;
  });
}

/** Text between double quotes of an action, where a colon would end the described word. */
function within(text: string): string {
  return text.replace(/[:"\\$`]/g, "\\$&");
}

function action(completion: Completion): string {
  switch (completion.kind) {
    case "words":
      return `(${completion.words.join(" ")})`;
    case "file":
      return "_files";
    case "directory":
      return "_files -/";
    case "device":
      return "_k3os_device";
    case "unknown":
      return " ";
  }
}
