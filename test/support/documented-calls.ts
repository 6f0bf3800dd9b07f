import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { COMMANDS } from "../../bin/commands.ts";
import { install } from "../../commands/install.ts";
import { type Command, type CommandTable, parseCommandLine } from "../../lib/tools/cli/cli.ts";
import { messageOf } from "../../lib/tools/text/errors.ts";
import { readRunArguments } from "./run-arguments.ts";
import type { Words } from "./shell-lines.ts";
import { PROJECT } from "./sources.ts";

/** Programs of others that the documentation calls. A word that is in no list is a mistake of the documentation. */
const FOREIGN = new Set([
  ...[
    "cat",
    "chmod",
    "cp",
    "cpio",
    "curl",
    "dmesg",
    "dnf",
    "echo",
    "findmnt",
    "grep",
    "ls",
    "mkdir",
    "mount",
  ],
  ...["mv", "python3", "reboot", "rm", "sha256sum", "shutdown", "ssh", "sync", "tar", "tee", "test", "touch"],
  ...["apt-get", "ctr", "docker", "git", "journalctl", "kubectl", "minisign", "packer", "podman", "skopeo"],
  ...["ssh-keygen", "systemctl", "vagrant", "xorriso", "sleep", "kexec", "virt-install"],
]);

/** What is wrong with a program call as it stands in the documentation; undefined if nothing is. Nothing is executed. */
export async function callComplaint(words: Words): Promise<string | undefined> {
  const [program = "", ...args] = words;
  const name = program.slice(program.lastIndexOf("/") + 1);
  if (/^k3os(-(amd64|arm64|arm))?$/.test(name)) return await commandComplaint(args);
  if (isLink(name)) return await commandComplaint([name, ...args]);
  if (name === "npx" || name === "npm") return npmComplaint(name === "npx" ? args : ["", ...args]);
  if (name === "bun") return scriptComplaint(args);
  if (["sh", "bash"].includes(name)) return shellComplaint(args);
  if (name === "install.sh") return installerComplaint(args);
  return FOREIGN.has(name) ? undefined : `unknown program "${program}"`;
}

/** Commands that are called by a name of their own, such as `k3os-upgrade-rootfs`. */
function isLink(name: string): boolean {
  return Object.values(COMMANDS).some(({ links = [] }) => links.includes(name));
}

async function commandComplaint(argv: readonly string[]): Promise<string | undefined> {
  const words = argv.filter((word) => word !== "--debug");
  const [first] = words;
  if (first === undefined || ["help", "--help", "-h", "--version", "-v"].includes(first)) return undefined;
  let command: Command = { options: {}, subcommands: COMMANDS, run: async () => 0 };
  let at = 0;
  for (let table: CommandTable | undefined = COMMANDS; table !== undefined; table = command.subcommands) {
    const word = words[at];
    const row = Object.entries(table).find(([name, { aliases = [], links = [] }]) => {
      return [name, ...aliases, ...links].includes(word ?? "");
    })?.[1];
    if (row === undefined) break;
    command = await row.load();
    at++;
  }
  if (at === 0) return `unknown command "${first}"`;
  try {
    parseCommandLine(command, words.slice(at), {});
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** `npm start`, `npm run build -- --arch arm64`, and `bun` behind `npx`. */
function npmComplaint([program, verb = "", ...args]: readonly string[]): string | undefined {
  if (program === "bun") return scriptComplaint([verb, ...args]);
  if (verb === "ci") return undefined;
  const [name = "", ...rest] = verb === "run" ? args : [verb, ...args];
  const { scripts } = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8"));
  const script: string | undefined = scripts[name];
  if (script === undefined) return `there is no npm script "${name}"`;
  if (rest.length > 0 && rest[0] !== "--") return `"${rest[0]}" needs "--" before it`;
  const [, file = "", ...fixed] = script.split(" ");
  if (file === "test/run.ts") return runComplaint([...fixed, ...rest.slice(1)]);
  return optionsComplaint(file, rest.slice(1));
}

/** The arguments of the test runner. */
function runComplaint(argv: readonly string[]): string | undefined {
  try {
    readRunArguments(argv);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function scriptComplaint([file = "", ...args]: readonly string[]): string | undefined {
  if (file === "test") return scriptComplaint(args); // bun's own test runner, which takes files
  if (!existsSync(join(PROJECT, file))) return `there is no file "${file}"`;
  return file === "test/run.ts" ? runComplaint(args) : optionsComplaint(file, args);
}

/** Scripts run when they are imported: options are looked for in their text. */
function optionsComplaint(file: string, args: readonly string[]): string | undefined {
  const text = readFileSync(join(PROJECT, file), "utf8");
  const options = args
    .filter((word) => word.startsWith("--"))
    .map((word) => word.slice(2).split("=")[0] ?? "");
  const unknown = options.find((name) => !new RegExp(`^ {2}"?${name}"?: \\{`, "m").test(text));
  return unknown === undefined ? undefined : `${file} has no option "--${unknown}"`;
}

/** `bash -s -- ARGUMENTS`, which reads our script from a pipe, and `sh install.sh ARGUMENTS`. */
function shellComplaint(args: readonly string[]): string | undefined {
  if (args[0] === "-s" && args[1] === "--") return installerComplaint(args.slice(2));
  if (args[0]?.endsWith("install.sh")) return installerComplaint(args.slice(1));
  return `a shell that runs ${args.join(" ") || "nothing"}`;
}

/** Arguments of install.sh are those of `k3os install`, but for `--binary`, which is its own. */
function installerComplaint(args: readonly string[]): string | undefined {
  const at = args.indexOf("--binary");
  const others = at < 0 ? args : [...args.slice(0, at), ...args.slice(at + 2)];
  try {
    parseCommandLine(install, others, {});
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
