/** A program that a shell line calls, with its arguments as far as they are literal. */
export interface CalledProgram {
  readonly name: string;
  readonly args: readonly string[];
}

/** Words that another command follows. */
const KEYWORDS = new Set("if then else elif do while until ! time { } fi done".split(" "));
/** Commands that start another command, and their options with a value. */
const WRAPPERS: Readonly<Record<string, string>> = {
  sudo: "ugCDhpRT",
  env: "uCS",
  nice: "n",
  ionice: "cnp",
  timeout: "ks",
  setsid: "",
  nohup: "",
  exec: "a",
  command: "",
  builtin: "",
  busybox: "",
  chroot: "",
};
/** Shells, whose option -c contains another line. */
const SHELLS = new Set(["sh", "ash", "bash", "su"]);

/**
 * The programs that a shell line calls, as far as they can be determined without running it. Programs that depend on
 * variables are left out; a line that is too complex (`case`) gives no result. Functions and aliases of the line are
 * not programs.
 */
export function programsOf(line: string): readonly CalledProgram[] {
  const own = new Set(
    [...line.matchAll(/(?:^|[;\s])(?:function\s+|alias\s+)?([\w-]+)\s*(?:\(\)|=["'])/g)].map(
      (found) => found[1],
    ),
  );
  const called: CalledProgram[] = [];
  for (const words of simpleCommands(line)) {
    if (words.find((word) => !KEYWORDS.has(word)) === "case") return [];
    called.push(...calledBy(words));
  }
  return called.filter(({ name }) => !own.has(name));
}

function calledBy(words: readonly string[]): readonly CalledProgram[] {
  const start = words.findIndex((word) => !KEYWORDS.has(word) && !/^\w+\+?=/.test(word));
  const [name = "", ...args] = start < 0 ? [] : words.slice(start);
  if (["", "for", "select", "function", "[[", "in", "esac"].includes(name)) return [];
  const program = name.slice(name.lastIndexOf("/") + 1);
  const wrapper = WRAPPERS[program];
  const called: CalledProgram[] = /^[\w./+-]+$/.test(name) && !name.startsWith("-") ? [{ name, args }] : [];
  if (wrapper !== undefined)
    return [
      ...called,
      ...calledBy(afterOptions(args, wrapper, program === "timeout" || program === "chroot")),
    ];
  if (program === "eval") return [...called, ...programsOf(args.join(" "))];
  const inner = SHELLS.has(program) ? args[args.indexOf("-c") + 1] : undefined;
  return args.includes("-c") && inner !== undefined ? [...called, ...programsOf(inner)] : called;
}

function afterOptions(args: readonly string[], withValue: string, hasOperand: boolean): readonly string[] {
  let at = 0;
  while (args[at]?.startsWith("-")) {
    const option = args[at] ?? "";
    at += /^-\w$/.test(option) && withValue.includes(option[1] ?? "") ? 2 : 1;
  }
  return args.slice(hasOperand ? at + 1 : at);
}

/** A scan of a line: `words` are those of the current command. */
interface Scan {
  readonly commands: string[][];
  words: string[];
  /** The current word; undefined between words. */
  word: string | undefined;
}

/** Splits a line into commands, and these into words without quotes; the contents of substitutions are commands too. */
function simpleCommands(text: string): readonly (readonly string[])[] {
  const scan: Scan = { commands: [], words: [], word: undefined };
  const endWord = () => {
    if (scan.word !== undefined) scan.words.push(scan.word);
    scan.word = undefined;
  };
  const endCommand = () => {
    endWord();
    if (scan.words.length > 0) scan.commands.push(scan.words);
    scan.words = [];
  };
  for (let at = 0; at < text.length; at++) {
    const rest = text.slice(at);
    const char = rest[0] ?? "";
    const inTest = scan.words[0] === "[[" && !scan.words.includes("]]");
    const document =
      scan.word === undefined ? /^<<-?\s*['"]?(\w+)['"]?(.*)\n[\s\S]*?\n\t*\1(?=\n|$)/.exec(rest) : null;
    if (document !== null) {
      for (const words of simpleCommands(document[2] ?? "")) scan.commands.push([...words]);
      at += document[0].length - 1;
    } else if (char === "\\") {
      if (rest[1] !== "\n") scan.word = (scan.word ?? "") + (rest[1] ?? "");
      at++;
    } else if (char === "'") {
      const end = text.indexOf("'", at + 1);
      scan.word = (scan.word ?? "") + text.slice(at + 1, end < 0 ? undefined : end);
      at = end < 0 ? text.length : end;
    } else if (char === '"') {
      const [inner = ""] = /^"(?:[^"\\]|\\[\s\S])*/.exec(rest) ?? [];
      scan.word = (scan.word ?? "") + inner.slice(1).replace(/\\(["\\$`])/g, "$1");
      scan.commands.push(...substitutions(inner));
      at += inner.length;
    } else if (/^(?:\$\(|`)/.test(rest)) {
      const [all, inner] = substitution(rest);
      scan.word = `${scan.word ?? ""}$()`;
      scan.commands.push(...simpleCommands(inner).map((words) => [...words]));
      at += all.length - 1;
    } else if (char === "#" && scan.word === undefined) {
      at += (/^[^\n]*/.exec(rest)?.[0].length ?? 1) - 1;
    } else if (/^(?:\d*|&)[<>]/.test(rest) && (scan.word === undefined || /[<>]/.test(char))) {
      endWord();
      at += (/^(?:\d*|&)[<>]+[&|]?\s*(?:-|[\w./$"'{}-]*)/.exec(rest)?.[0].length ?? 1) - 1;
    } else if (/[;&|\n()]/.test(char) && !inTest) {
      endCommand();
    } else if (/\s/.test(char)) {
      endWord();
    } else {
      scan.word = (scan.word ?? "") + char;
    }
  }
  endCommand();
  return scan.commands;
}

function substitutions(text: string): string[][] {
  const found: string[][] = [];
  for (let at = 0; at < text.length; at++) {
    if (!/^(?:\$\(|`)/.test(text.slice(at))) continue;
    const [all, inner] = substitution(text.slice(at));
    found.push(...simpleCommands(inner).map((words) => [...words]));
    at += all.length - 1;
  }
  return found;
}

/** A substitution at the beginning of a text: all of it, and the line within. */
function substitution(text: string): [all: string, inner: string] {
  if (text.startsWith("`")) {
    const end = text.indexOf("`", 1);
    const all = end < 0 ? text : text.slice(0, end + 1);
    return [all, all.slice(1).replace(/`$/, "")];
  }
  let depth = 0;
  for (let at = 1; at < text.length; at++) {
    if (text[at] === "(") depth++;
    if (text[at] === ")" && --depth === 0) return [text.slice(0, at + 1), text.slice(2, at)];
  }
  return [text, text.slice(2)];
}
