import type { Readable } from "node:stream";
import { Interrupted } from "../text/errors.ts";
import { fold } from "../text/fold.ts";
import { printable, printableText } from "../text/printable.ts";
import { type Keyboard, openKeyboard } from "./keyboard.ts";
import { promptTheme, showsColours } from "./prompt-theme.ts";

export interface Choice<T> {
  readonly name: string;
  readonly value: T;
  /** Lines that are shown for the selected choice. */
  readonly description?: string;
  /** Why it cannot be chosen, in a word or two. */
  readonly disabled?: string;
}

/** The problem of an answer; undefined: none. It may be slow, and runs again after each correction. */
export type Check = (answer: string) => string | undefined | Promise<string | undefined>;

/** Prompts for a user. All except `show` throw Interrupted on Ctrl-C or at the end of input. */
export interface Asker {
  /** Prompts for one of several choices; `first` is the initial selection. */
  choose<T>(message: string, choices: readonly Choice<T>[], first?: T): Promise<T>;
  /** Prompts for yes or no; the default is no. */
  confirm(message: string): Promise<boolean>;
  /** Prompts for a line of text until `check` accepts it. */
  text(message: string, check: Check): Promise<string>;
  /** Prompts for a secret: the input is shown as asterisks. */
  secret(message: string, check: Check): Promise<string>;
  /** Shows a text; lines that do not fit on the screen scroll up. */
  show(text: string): Promise<void>;
}

/** Takes the keys from the first prompt on. */
export interface OpenTerminal extends Asker, Disposable {
  /** Releases the terminal before the scope ends. */
  close(): void;
}

/** Whether a user can be prompted. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/**
 * The user at our terminal, until the scope ends. Input that is typed before its prompt is shown counts as the answer:
 * scripts of installations type all answers at once.
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

/** A choice, printable on the terminal: names of disks and networks are foreign text. */
function shown<T>(choice: Choice<T>): Choice<T> {
  const { name, description, disabled } = choice;
  return {
    ...choice,
    name: printable(name),
    ...(description === undefined ? {} : { description: printableText(description) }),
    ...(disabled === undefined ? {} : { disabled: printable(disabled) }),
  };
}

/** Lines of the screen for the prompt, a description, an error and the help around a list. */
const AROUND_CHOICES = 12;

/** The rows of the terminal; a serial line reports 0. */
function rows(): number {
  return process.stderr.rows || 24;
}

function columns(): number {
  return process.stderr.columns || 80;
}

function theme() {
  return promptTheme(showsColours(process.env));
}

/** A check in the form of @inquirer/prompts; its message fits on the screen. */
function verdict(check: Check, keyboard: Keyboard): (answer: string) => Promise<string | true> {
  return async (answer) => {
    const problem = await keyboard.hold(async () => await check(answer));
    if (problem === undefined) return true;
    keyboard.drop();
    // follows "> "
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

/** Prompts are not results: they go to standard error. */
async function answered<T>(keyboard: Keyboard, question: (context: Context) => Promise<T>): Promise<T> {
  try {
    return await keyboard.ask((input, signal) => question({ input, output: process.stderr, signal }));
  } catch (error) {
    // only the name distinguishes them: @inquirer/prompts does not export the classes
    if (error instanceof Error && /^(Exit|Abort)PromptError$/.test(error.name)) {
      throw new Interrupted("Interrupted");
    }
    throw error;
  }
}
