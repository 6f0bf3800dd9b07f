import type { Socket } from "node:net";
import { StringDecoder } from "node:string_decoder";

/** The text console of a machine, used like a terminal. */
export interface SerialConsole {
  /**
   * Waits until `pattern` appears in the output after the end of the previous match, and consumes it.
   * Throws, with the end of the console, after `timeout` (milliseconds), or if the machine ends or its kernel panics.
   */
  expect(pattern: RegExp, options: { readonly timeout: number }): Promise<RegExpExecArray>;
  /** Types `text`; a line ends with `\r`, as from the Enter key. */
  send(text: string): void;
  /** Everything that the machine has printed, without terminal escapes. */
  text(): string;
  /** Connects the console to a terminal until `leave` (one character) is typed or the machine ends. */
  attach(terminal: Terminal, options: { readonly leave: string }): Promise<void>;
}

/** The terminal for {@link SerialConsole.attach}: `process.stdin` and `process.stdout`. */
export interface Terminal {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WritableStream;
}

const PANIC = /Kernel panic - not syncing[^\r\n]*/;
const TAIL_LINES = 30;

/** The console on the stream of a machine's serial port. */
export function serialConsole(socket: Socket): SerialConsole {
  const decoder = new StringDecoder("utf8");
  const listeners = new Set<() => void>();
  let heldBack = "";
  let text = "";
  let consumed = 0;
  let ended = false;

  socket.on("data", (chunk: Buffer) => {
    const [plain, rest] = stripEscapes(heldBack + decoder.write(chunk));
    heldBack = rest;
    text += plain;
    for (const listener of listeners) listener();
  });
  socket.on("error", () => undefined); // the machine has ended: "close" follows, and rejects the waiting calls
  socket.on("close", () => {
    ended = true;
    for (const listener of listeners) listener();
  });

  function expect(pattern: RegExp, { timeout }: { readonly timeout: number }): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      function settle(match: RegExpExecArray | undefined, why: string): void {
        clearTimeout(timer);
        listeners.delete(look);
        if (match === undefined) {
          reject(new Error(`${why}\n${consoleTail(text)}`));
        } else {
          consumed += match.index + match[0].length;
          resolve(match);
        }
      }
      function look(): void {
        const fresh = text.slice(consumed);
        const match = pattern.exec(fresh);
        const panic = PANIC.exec(fresh)?.[0];
        if (match !== null) settle(match, "");
        else if (panic !== undefined) settle(undefined, panic);
        else if (ended) settle(undefined, `Machine ended before its console showed ${pattern}`);
      }
      const late = `Console did not show ${pattern} within ${Math.round(timeout / 1000)} s`;
      const timer = setTimeout(() => settle(undefined, late), timeout);
      listeners.add(look);
      look();
    });
  }

  async function attach({ input, output }: Terminal, { leave }: { readonly leave: string }): Promise<void> {
    const left = new Promise<void>((resolve) => {
      socket.once("close", resolve);
      input.on("data", (keys: Buffer) => {
        const end = keys.indexOf(leave);
        socket.write(end === -1 ? keys : keys.subarray(0, end));
        if (end !== -1) resolve();
      });
    });
    const show = (chunk: Buffer) => output.write(chunk);
    socket.on("data", show);
    input.setRawMode(true);
    input.resume();
    await left;
    socket.off("data", show);
    input.removeAllListeners("data");
    input.setRawMode(false);
    input.pause();
  }

  return { expect, attach, send: (keys) => void socket.write(keys), text: () => text };
}

/**
 * Removes terminal escape sequences (ECMA-48 CSI and OSC, and the short ones), and single escapes, from `text`.
 * Returns the rest, and an incomplete sequence at the end of the text.
 */
export function stripEscapes(text: string): [plain: string, unfinished: string] {
  const unfinished = UNFINISHED.exec(text)?.[0] ?? "";
  return [text.slice(0, text.length - unfinished.length).replace(ESCAPE, ""), unfinished];
}

const ESCAPE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it searches for them
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[ -/]+[0-~]|[0-Z\\^-~])?/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const UNFINISHED = /\u001b(?:\[[0-?]*[ -/]*|\][^\u0007\u001b]{0,80}\u001b?|[ -/]+)?$/;

/** The last lines of a console, between rulers, for an error message. */
export function consoleTail(text: string, lines: number = TAIL_LINES): string {
  const tail = text
    .split(/[\r\n]+/)
    .filter((line) => line.trim() !== "")
    .slice(-lines);
  return ["──── end of the console ────", ...tail, "─".repeat(28)].join("\n");
}
