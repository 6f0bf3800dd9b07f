/** A program call of a shell text: its words as the shell would pass them, without assignments before it and redirections. */
export type Words = readonly string[];

/** Words after which a new command begins. */
const BEFORE_COMMAND = new Set(["then", "do", "else", "if", "while", "until", "!"]);
/** Words of the shell itself that begin no program. */
const KEYWORDS = new Set(["fi", "done", "for", "esac", "{", "}"]);
const SEPARATOR = /^(?:\|\||&&|[|;&\n()])/;

/**
 * The program calls of a shell text as documentation has them: pipes, lists, loops, continued lines, quotes, comments,
 * substitutions. `$(…)` inside of a word stays in the word. What follows `sudo` and its options is the program.
 * Throws for a quote that is never closed.
 */
export function programCalls(text: string): Words[] {
  const calls: Words[] = [];
  let words: string[] = [];
  const finish = () => {
    const call = withoutPrefixes(words);
    if (call.length > 0) calls.push(call);
    words = [];
  };
  let rest = text.replace(/\\\n\s*/g, " ");
  while (rest !== "") {
    const blank = /^[ \t]+/.exec(rest)?.[0];
    const comment = /^#[^\n]*/.exec(rest)?.[0];
    const redirection = /^\d?(?:>>|>&|>|<)\s*[^\s|;&]+/.exec(rest)?.[0];
    const separator = SEPARATOR.exec(rest)?.[0];
    if (blank ?? comment ?? redirection) {
      rest = rest.slice((blank ?? comment ?? redirection ?? "").length);
    } else if (separator !== undefined) {
      // a line that ends with an operator goes on in the next one
      const goesOn = separator !== "\n" && /^[ \t]*(?:#[^\n]*)?\n/.exec(rest.slice(separator.length))?.[0];
      finish();
      rest = rest.slice(separator.length + (goesOn || "").length);
    } else {
      const [word, length] = readWord(rest);
      if (words.length === 0 && BEFORE_COMMAND.has(word)) words = [];
      else words.push(word);
      rest = rest.slice(length);
    }
  }
  finish();
  return calls;
}

/** The word at the beginning of a text without its quotes, and how many characters it takes. */
function readWord(text: string): [string, number] {
  let word = "";
  let at = 0;
  while (at < text.length && !/[\s|;&()<>]/.test(text[at] ?? "")) {
    const rest = text.slice(at);
    const part =
      /^'[^']*'/.exec(rest)?.[0] ??
      /^"(?:[^"\\]|\\[\s\S])*"/.exec(rest)?.[0] ??
      /^\$\([^()]*\)/.exec(rest)?.[0] ??
      /^\\[\s\S]/.exec(rest)?.[0] ??
      /^[^\s'"|;&()<>\\$]+|^\$/.exec(rest)?.[0];
    if (part === undefined) throw new Error(`A quote is never closed: ${rest.split("\n")[0]}`);
    word += /^['"]/.test(part) ? part.slice(1, -1) : part.replace(/^\\/, "");
    at += part.length;
  }
  return [word, at];
}

/** Takes off assignments, `sudo` with its options, and keywords that have no program. */
function withoutPrefixes(words: readonly string[]): Words {
  let at = 0;
  while (/^\w+=/.test(words[at] ?? "")) at++;
  if (words[at] === "sudo") {
    at++;
    while (/^-|^\w+=/.test(words[at] ?? "")) at++;
  }
  return KEYWORDS.has(words[at] ?? "") ? [] : words.slice(at);
}
