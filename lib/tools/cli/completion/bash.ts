import type { CompletedCommand, Completion } from "./describe-commands.ts";
import { singleQuoted } from "./quote.ts";

/**
 * The completion script for bash. It does not need the package bash-completion, and expects that readline splits
 * `--option=value` into three words.
 */
export function bashCompletion(commands: readonly CompletedCommand[]): string {
  const names = commands.flatMap(({ links }) => links);
  return `# Completion of k3os for bash, written by "k3os completion bash"

# sets "at" to the command that a word leads to from there
_k3os_enter() {
  case "$at/$1" in
${commands.flatMap(entries).join("\n")}
    *) return 1 ;;
  esac
}

# completes the value of an option; fails if the option takes none
_k3os_value() {
  case "$at/$1" in
${commands.flatMap(values).join("\n")}
    *) return 1 ;;
  esac
}

# completes the argument of this number, counted from 0
_k3os_argument() {
  case "$at/$1" in
${commands.flatMap(places).join("\n")}
  esac
}

_k3os_options() {
  case "$at" in
${commands.map(options).join("\n")}
  esac
}

_k3os_words() { mapfile -t COMPREPLY < <(compgen -W "$*" -- "$cur"); }

# compopt complains where this is called by something else than readline
_k3os_file() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}

_k3os_directory() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -d -- "$cur")
}

_k3os_device() { _k3os_words "$(lsblk --list --noheadings --paths --output NAME 2>/dev/null)"; }

_k3os() {
  local at='' cur=\${COMP_WORDS[COMP_CWORD]} option='' count=0 i word
  COMPREPLY=()
  case \${COMP_WORDS[0]##*/} in
${commands.flatMap(links).join("\n")}
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $option ]]; then
      [[ $word == = ]] || option=
    elif [[ $word == -* ]]; then
      ! _k3os_value "$word" || option=$word
    elif ((count > 0)) || ! _k3os_enter "$word"; then
      count=$((count + 1))
    fi
  done
  COMPREPLY=()
  [[ $cur != = ]] || cur=
  if [[ $option ]]; then
    _k3os_value "$option"
  elif [[ $cur == -* ]]; then
    _k3os_words "$(_k3os_options)"
  else
    _k3os_argument "$count"
  fi
}

complete -F _k3os ${names.join(" ")}
`;
}

function entries({ words, subcommands }: CompletedCommand): string[] {
  return subcommands.map(({ names }) => {
    const patterns = names.map((name) => singleQuoted(`${words.join(" ")}/${name}`));
    return `    ${patterns.join(" | ")}) at=${singleQuoted([...words, names[0]].join(" "))} ;;`;
  });
}

function values({ words, options }: CompletedCommand): string[] {
  return options.flatMap(({ names, value }) => {
    if (value === undefined) return [];
    const patterns = names.map((name) => singleQuoted(`${words.join(" ")}/${name}`));
    return [`    ${patterns.join(" | ")}) ${action(value)} ;;`];
  });
}

function places({ words, subcommands, arguments: all, repeats }: CompletedCommand): string[] {
  const at = words.join(" ");
  if (subcommands.length > 0) {
    const names = subcommands.flatMap((subcommand) => subcommand.names.slice(0, 1));
    return [`    ${singleQuoted(`${at}/0`)}) ${action({ kind: "words", words: names })} ;;`];
  }
  return all.map((completion, index) => {
    const every = repeats && index === all.length - 1;
    return `    ${every ? `${singleQuoted(`${at}/`)}*` : singleQuoted(`${at}/${index}`)}) ${action(completion)} ;;`;
  });
}

function options({ words, options: all }: CompletedCommand): string {
  return `    ${singleQuoted(words.join(" "))}) echo ${singleQuoted(all.flatMap(({ names }) => names).join(" "))} ;;`;
}

function links({ words, links: names }: CompletedCommand): string[] {
  if (words.length === 0) return [];
  return names.map((name) => `    ${singleQuoted(name)}) at=${singleQuoted(words.join(" "))} ;;`);
}

function action(completion: Completion): string {
  if (completion.kind === "unknown") return ":";
  return completion.kind === "words"
    ? `_k3os_words ${singleQuoted(completion.words.join(" "))}`
    : `_k3os_${completion.kind}`;
}
