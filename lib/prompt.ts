import { Interrupted } from "./errors.ts";

export interface Choice<T> {
  readonly name: string;
  readonly value: T;
}

/** Whether there is somebody to ask. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** Lets the user choose one of several. Throws Interrupted on Ctrl-C or at the end of input. */
export async function choose<T>(message: string, choices: readonly Choice<T>[]): Promise<T> {
  const { select } = await import("@inquirer/prompts");
  return await answered(select({ message, choices: [...choices] }, TERMINAL));
}

/** A yes or no question whose answer to a mere Enter is no. Throws Interrupted on Ctrl-C or at the end of input. */
export async function confirmed(message: string): Promise<boolean> {
  const { confirm } = await import("@inquirer/prompts");
  return await answered(confirm({ message, default: false }, TERMINAL));
}

/** Asks for a password; what is typed does not show. Throws Interrupted on Ctrl-C or at the end of input. */
export async function askPassword(message: string): Promise<string> {
  const { password } = await import("@inquirer/prompts");
  return await answered(password({ message }, TERMINAL));
}

/** Questions are no results: they go to standard error. */
const TERMINAL = { output: process.stderr };

async function answered<T>(question: Promise<T>): Promise<T> {
  try {
    return await question;
  } catch (error) {
    // the name is all that tells it apart: the class is not exported by @inquirer/prompts
    if (error instanceof Error && error.name === "ExitPromptError") throw new Interrupted("Interrupted");
    throw error;
  }
}
