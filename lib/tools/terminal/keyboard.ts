import { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** A terminal's keys, or their simulation in a test. */
export interface Keys extends Readable {
  /** Missing without terminal modes. */
  setRawMode?(raw: boolean): unknown;
}

/**
 * The input of a terminal, from the first prompt to the last. No input is lost: keys that are typed before their prompt
 * is shown wait for it, as with a shell's `read`. The terminal does not echo them.
 */
export interface Keyboard extends Disposable {
  /**
   * Runs a prompt, which reads its keys from `input`, one by one. `ended` is aborted at the end of the input. Only one
   * prompt runs at a time.
   */
  ask<T>(question: (input: Readable, ended: AbortSignal) => Promise<T>): Promise<T>;
  /** Keys wait while `action` checks an answer: they are for the next prompt. */
  hold<T>(action: () => Promise<T>): Promise<T>;
  /** Discards keys that were typed ahead: their prompts do not follow now. */
  drop(): void;
}

const INTERRUPT = "\u0003";
/** An escape sequence (ECMA-48, and those of function keys), or any other key. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a key sends them
const KEY = /\u001b(?:\[[0-?]*[ -/]*[@-~]|O[ -~]|[^\u001b[O])?|[\s\S]/gu;
const ENDING = ["SIGTERM", "SIGHUP"] as const;

/** Takes the keyboard until the scope ends; then the terminal is restored. */
export function openKeyboard(keys: Keys = process.stdin): Keyboard {
  const queue: string[] = [];
  const decoder = new StringDecoder("utf8");
  let active: Readable | undefined;
  let held = 0;
  let ended = false;
  let previous = "";
  let wake: () => void = () => undefined;

  const take = (chunk: Buffer | string) => {
    for (const key of decoder.write(Buffer.from(chunk)).match(KEY) ?? []) {
      const endsLineAgain = key === "\n" && previous === "\r";
      previous = key;
      if (key === INTERRUPT) interrupt();
      else if (!endsLineAgain) queue.push(key);
    }
    wake();
  };
  const end = () => {
    ended = true;
    wake();
  };
  /** Immediately, before waiting keys: handled by the current prompt, else like the terminal would. */
  const interrupt = () => {
    queue.length = 0;
    if (active !== undefined) return active.push(INTERRUPT);
    close();
    process.kill(process.pid, "SIGINT");
  };
  const leave = (signal: NodeJS.Signals) => {
    close();
    process.kill(process.pid, signal);
  };
  const close = () => {
    keys.off("data", take).off("end", end).pause();
    keys.setRawMode?.(false);
    for (const signal of ENDING) process.off(signal, leave);
  };

  keys.setRawMode?.(true);
  keys.on("data", take).on("end", end).resume();
  for (const signal of ENDING) process.once(signal, leave);

  /** Passes on the keys; each has taken effect before the next one. */
  async function feed(input: Readable): Promise<void> {
    while (active === input) {
      const key = held > 0 ? undefined : queue.shift();
      if (key !== undefined) input.push(key);
      else if (ended && held === 0) return void input.push(null);
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      await turn();
    }
  }

  return {
    ask: async (question) => {
      const input = new Readable({ read: () => undefined });
      const over = new AbortController();
      // a reader pauses the input at its end, and would wait forever
      input.once("pause", () => over.abort());
      active = input;
      const feeding = feed(input);
      try {
        return await question(input, over.signal);
      } finally {
        active = undefined;
        wake();
        await feeding;
      }
    },
    hold: async (action) => {
      held++;
      try {
        return await action();
      } finally {
        // after the prompt has handled the result
        void turn().then(() => {
          held--;
          wake();
        });
      }
    },
    drop: () => {
      queue.length = 0;
    },
    [Symbol.dispose]: close,
  };
}

/** Waits until all pending work is done. */
async function turn(): Promise<void> {
  for (let round = 0; round < 2; round++) await new Promise((resolve) => setImmediate(resolve));
}
