import type { CompletedCommand, CompletedOption, Completion } from "./describe-commands.ts";

/** The completion script for fish. */
export function fishCompletion(commands: readonly CompletedCommand[]): string {
  const names = commands.flatMap(({ links }) => links);
  return `# Completion of k3os for fish, written by "k3os completion fish"

# whether the command line has come to this command
function __k3os_at
    set -l words (commandline -opc)
    set -l at ''
    switch (basename -- $words[1])
${commands.flatMap(linkCases).join("\n")}
    end
    for word in $words[2..]
        string match --quiet -- '-*' $word; and continue
        switch "$at/$word"
${commands.flatMap(entries).join("\n")}
            case '*'
                break
        end
    end
    test "$at" = "$argv[1]"
end

function __k3os_devices
    lsblk --list --noheadings --paths --output NAME 2>/dev/null
end

for name in ${names.join(" ")}
    complete -c $name -f
${commands.flatMap(completions).join("\n")}
end
`;
}

function linkCases({ words, links }: CompletedCommand): string[] {
  if (words.length === 0) return [];
  return links.map((name) => `        case ${name}\n            set at ${quote(words.join(" "))}`);
}

function entries({ words, subcommands }: CompletedCommand): string[] {
  return subcommands.map(({ names }) => {
    const patterns = names.map((name) => quote(`${words.join(" ")}/${name}`));
    return `            case ${patterns.join(" ")}\n                set at ${quote([...words, names[0]].join(" "))}`;
  });
}

function completions(command: CompletedCommand): string[] {
  const at = `    complete -c $name -n ${quote(`__k3os_at ${quote(command.words.join(" "))}`)}`;
  const subcommands = command.subcommands.map(
    ({ names: [name = ""], summary }) => `${at} -a ${quote(name)} -d ${quote(summary)}`,
  );
  const places = command.subcommands.length > 0 ? [] : command.arguments;
  return [
    ...subcommands,
    ...places.flatMap((place) => (place.kind === "unknown" ? [] : [`${at} ${action(place)}`])),
    ...command.options.map((option) => `${at} ${optionWords(option)}`),
  ];
}

function optionWords({ names, help, value }: CompletedOption): string {
  const words = names.map((name) => (name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const taken = value === undefined ? "" : ` -r ${action(value)}`;
  return `${words.join(" ")}${taken} -d ${quote(help)}`;
}

function action(completion: Completion): string {
  switch (completion.kind) {
    case "words":
      return `-f -a ${quote(completion.words.join(" "))}`;
    case "file":
      return "-F";
    case "directory":
      return "-f -a '(__fish_complete_directories)'";
    case "device":
      return "-f -a '(__k3os_devices)'";
    case "unknown":
      return "-f";
  }
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
