import { Interrupted } from "./errors.ts";
import { fold, pages } from "./fold.ts";
import { printable, printableText } from "./printable.ts";
import { promptTheme, showsColours } from "./prompt-theme.ts";

export interface Choice<T> {
  readonly name: string;
  readonly value: T;
  /** Lines that are shown while the cursor is on it. */
  readonly description?: string;
  /** Why it is shown but cannot be chosen, in a word or two. */
  readonly disabled?: string;
}

/** What is wrong with an answer; undefined: nothing. It may take its time, and is asked again after each correction. */
export type Check = (answer: string) => string | undefined | Promise<string | undefined>;

/** Somebody to ask. All but `show` throw Interrupted on Ctrl-C or at the end of input. */
export interface Asker {
  /** Lets the user choose one of several; `first` is where the cursor begins. */
  choose<T>(message: string, choices: readonly Choice<T>[], first?: T): Promise<T>;
  /** A yes or no question whose answer to a mere Enter is no. */
  confirm(message: string): Promise<boolean>;
  /** Asks for a line of text until `check` has nothing against it. */
  text(message: string, check: Check): Promise<string>;
  /** The same for a secret: what is typed shows as asterisks. */
  secret(message: string, check: Check): Promise<string>;
  /** Shows a text, screen by screen where it is longer than one. Throws Interrupted on Ctrl-C at the end of a screen. */
  show(text: string): Promise<void>;
}

/** Whether there is somebody to ask. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** Who sits at our terminal. */
export const terminal: Asker = {
  choose: async (message, choices, first) => {
    const { select } = await import("@inquirer/prompts");
    const preset = first === undefined ? {} : { default: first };
    const pageSize = Math.max(3, rows() - AROUND_CHOICES);
    return await answered((on) =>
      select(
        {
          message: printable(message),
          choices: choices.map(shown),
          pageSize,
          loop: false,
          theme: theme(),
          ...preset,
        },
        on,
      ),
    );
  },
  confirm: async (message) => {
    const { confirm } = await import("@inquirer/prompts");
    return await answered((on) =>
      confirm({ message: printable(message), default: false, theme: theme() }, on),
    );
  },
  text: async (message, check) => {
    const { input } = await import("@inquirer/prompts");
    return await answered((on) =>
      input({ message: printable(message), validate: verdict(check), theme: theme() }, on),
    );
  },
  secret: async (message, check) => {
    const { password } = await import("@inquirer/prompts");
    return await answered((on) =>
      password(
        {
          message: printable(message),
          mask: "*",
          toggleMask: false,
          validate: verdict(check),
          theme: theme(),
        },
        on,
      ),
    );
  },
  show: async (text) => {
    const { input } = await import("@inquirer/prompts");
    const [first = "", ...others] = pages(fold(printableText(text), columns()), rows() - BELOW_TEXT);
    process.stderr.write(first);
    for (const page of others) {
      await answered((on) => input({ message: "Enter for more", theme: theme() }, on), { vanish: true });
      process.stderr.write(page);
    }
  },
};

/** A choice as the terminal may show it: disks and networks have names that somebody else gave. */
function shown<T>(choice: Choice<T>): Choice<T> {
  const { name, description, disabled } = choice;
  return {
    ...choice,
    name: printable(name),
    ...(description === undefined ? {} : { description: printableText(description) }),
    ...(disabled === undefined ? {} : { disabled: printable(disabled) }),
  };
}

/** Lines that a list leaves to its question, to a description of its own, to an error and to the help. */
const AROUND_CHOICES = 12;
/** Lines that a screen of text leaves to the question that follows. */
const BELOW_TEXT = 2;

/** A serial line does not know its size: it says 0. */
function rows(): number {
  return process.stderr.rows || 24;
}

function columns(): number {
  return process.stderr.columns || 80;
}

function theme() {
  return promptTheme(showsColours(process.env));
}

/** A check in the words of @inquirer/prompts; what it finds is kept within the screen. */
function verdict(check: Check): (answer: string) => Promise<string | true> {
  return async (answer) => {
    const problem = await check(answer);
    if (problem === undefined) return true;
    // "> " goes before it
    return fold(printableText(problem), columns() - 2)
      .slice(0, Math.max(3, rows() - 4))
      .join("\n");
  };
}

interface Context {
  readonly output: NodeJS.WriteStream;
  readonly signal: AbortSignal;
  readonly clearPromptOnDone: boolean;
}

/** Questions are no results: they go to standard error. */
async function answered<T>(
  question: (context: Context) => Promise<T>,
  options: { readonly vanish?: boolean } = {},
): Promise<T> {
  const end = new AbortController();
  // at the end of input (Ctrl-D) @inquirer/prompts would wait for ever, and the process end as if all were well; but its
  // reader pauses the input when it closes
  const abort = () => end.abort();
  process.stdin.once("pause", abort);
  try {
    const { signal } = end;
    return await question({ output: process.stderr, signal, clearPromptOnDone: options.vanish ?? false });
  } catch (error) {
    // the name is all that tells them apart: the classes are not exported by @inquirer/prompts
    if (error instanceof Error && /^(Exit|Abort)PromptError$/.test(error.name)) {
      throw new Interrupted("Interrupted");
    }
    throw error;
  } finally {
    process.stdin.off("pause", abort);
  }
}
