import type { Readable } from "node:stream";
import { Interrupted } from "../text/errors.ts";
import { fold } from "../text/fold.ts";
import { printable, printableText } from "../text/printable.ts";
import { type Keyboard, openKeyboard } from "./keyboard.ts";
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
  /** Shows a text; what does not fit on the screen is above it. */
  show(text: string): Promise<void>;
}

/** The keys are ours from the first question on. */
export interface OpenTerminal extends Asker, Disposable {
  /** Gives the terminal back before the scope ends. */
  close(): void;
}

/** Whether there is somebody to ask. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/**
 * Whoever sits at our terminal, until the scope ends. What is typed before its question is shown is the answer all the same:
 * installations are scripted by typing all answers at once.
 */
export function openTerminal(): OpenTerminal {
  let keyboard: Keyboard | undefined;
  const close = () => {
    keyboard?.[Symbol.dispose]();
    keyboard = undefined;
  };
  const asker = askerAt(() => {
    keyboard ??= openKeyboard();
    return keyboard;
  });
  return { ...asker, close, [Symbol.dispose]: close };
}

const askerAt = (keyboard: () => Keyboard): Asker => ({
  choose: async (message, choices, first) => {
    const { select } = await import("@inquirer/prompts");
    const preset = first === undefined ? {} : { default: first };
    const pageSize = Math.max(3, rows() - AROUND_CHOICES);
    return await answered(keyboard(), (on) =>
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
    return await answered(keyboard(), (on) =>
      confirm({ message: printable(message), default: false, theme: theme() }, on),
    );
  },
  text: async (message, check) => {
    const { input } = await import("@inquirer/prompts");
    return await answered(keyboard(), (on) =>
      input({ message: printable(message), validate: verdict(check, keyboard()), theme: theme() }, on),
    );
  },
  secret: async (message, check) => {
    const { password } = await import("@inquirer/prompts");
    return await answered(keyboard(), (on) =>
      password(
        {
          message: printable(message),
          mask: "*",
          toggleMask: false,
          validate: verdict(check, keyboard()),
          theme: theme(),
        },
        on,
      ),
    );
  },
  show: async (text) => {
    process.stderr.write(`${fold(printableText(text), columns()).join("\n")}\n`);
  },
});

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
function verdict(check: Check, keyboard: Keyboard): (answer: string) => Promise<string | true> {
  return async (answer) => {
    const problem = await keyboard.hold(async () => await check(answer));
    if (problem === undefined) return true;
    keyboard.drop();
    // "> " goes before it
    return fold(printableText(problem), columns() - 2)
      .slice(0, Math.max(3, rows() - 4))
      .join("\n");
  };
}

interface Context {
  readonly input: Readable;
  readonly output: NodeJS.WriteStream;
  readonly signal: AbortSignal;
}

/** Questions are no results: they go to standard error. */
async function answered<T>(keyboard: Keyboard, question: (context: Context) => Promise<T>): Promise<T> {
  try {
    return await keyboard.ask((input, signal) => question({ input, output: process.stderr, signal }));
  } catch (error) {
    // the name is all that tells them apart: the classes are not exported by @inquirer/prompts
    if (error instanceof Error && /^(Exit|Abort)PromptError$/.test(error.name)) {
      throw new Interrupted("Interrupted");
    }
    throw error;
  }
}
