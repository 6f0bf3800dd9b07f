import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cmd } from "../../tools/host/cmd.ts";
import { runProgram } from "../../tools/host/host.ts";

/** A program on its own terminal, used like by a user. */
export interface Terminal extends AsyncDisposable {
  /** Types a text; {@link KEY} has the special keys. */
  type(keys: string): Promise<void>;
  /** Waits until the screen shows `what`; returns the screen. Throws, with the screen, after `timeout` milliseconds. */
  waitFor(what: string | RegExp, options?: { readonly timeout?: number }): Promise<string>;
  /** The current lines of the screen; a line that the terminal has wrapped is one line. */
  screen(): Promise<string>;
  /** The screen with its colours, as SGR sequences, for drawScreen(). */
  styledScreen(): Promise<string>;
  /** The complete output of the program, including escapes and overwritten text. */
  written(): string;
  /** Waits for the end of the program. */
  ended(options?: { readonly timeout?: number }): Promise<Ended>;
}

export interface Ended {
  readonly status: number;
  /** The terminal's modes are the same as before the program. */
  readonly restored: boolean;
  readonly cursorShown: boolean;
}

/** The characters sent by keys. */
export const KEY = {
  enter: "\r",
  up: "\u001b[A",
  down: "\u001b[B",
  interrupt: "\u0003",
  end: "\u0004",
  erase: "\u0015",
} as const;

export interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  /** Additional environment variables: `TERM`, for instance. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Waits for a key, so that no output is missed, and reports the program's exit; then keeps the screen. */
const SHELL = `
trap : INT
read -r started
before=$(stty -g)
printf '\\033[H\\033[2J'
"$@"
status=$?
[ "$(stty -g)" = "$before" ] && modes=restored || modes=changed
printf '[status %s, modes %s]\\n' "$status" "$modes"
read -r forever
`;
const END = /\[status (\d+), modes (\w+)\]/;

const PATIENCE = 20_000;
const LOOK_EVERY = 30;

/**
 * Starts a program (an argument vector) on a terminal of 80 columns and 24 rows, or another size. tmux is the terminal.
 */
export async function startTerminal(
  argv: readonly string[],
  { columns = 80, rows = 24, env = {} }: TerminalOptions = {},
): Promise<Terminal> {
  const directory = mkdtempSync(join(tmpdir(), "k3os-terminal-"));
  const log = join(directory, "written");
  const tmux = async (...args: readonly string[]) => {
    const socket = ["-S", join(directory, "socket"), "-f", "/dev/null", "-u"];
    return (await runProgram(cmd`tmux ${socket} ${args}`)).stdout;
  };
  const variables = Object.entries({ TERM: "vt100", ...env }).map(([name, value]) => `${name}=${value}`);
  const command = ["env", ...variables, "sh", "-c", SHELL, "sh", ...argv];
  await tmux("new-session", "-d", "-x", `${columns}`, "-y", `${rows}`, "--", ...command);
  await tmux("set-option", "-g", "status", "off");
  await tmux("resize-window", "-x", `${columns}`, "-y", `${rows}`);
  await tmux("pipe-pane", `exec cat > ${log}`);

  const type = async (keys: string) => {
    const codes = [...keys].map((key) => key.codePointAt(0)?.toString(16) ?? "");
    await tmux("send-keys", "-H", ...codes);
  };
  const screen = () => tmux("capture-pane", "-p", "-J");
  const waitFor: Terminal["waitFor"] = async (what, { timeout = PATIENCE } = {}) => {
    for (const deadline = performance.now() + timeout; ; await sleep(LOOK_EVERY)) {
      const shown = await screen();
      if (typeof what === "string" ? shown.includes(what) : what.test(shown)) return shown;
      if (performance.now() > deadline) throw new Error(`The screen does not show ${what}:\n${shown}`);
    }
  };
  await type(KEY.enter);
  return {
    type,
    screen,
    styledScreen: () => tmux("capture-pane", "-p", "-e"),
    waitFor,
    written: () => readFileSync(log, "utf8"),
    ended: async (options) => {
      const [, status, modes] = END.exec(await waitFor(END, options)) ?? [];
      const cursor = await tmux("display-message", "-p", "#{cursor_flag}");
      return { status: Number(status), restored: modes === "restored", cursorShown: cursor.trim() === "1" };
    },
    [Symbol.asyncDispose]: async () => {
      await tmux("kill-server");
      rmSync(directory, { recursive: true });
    },
  };
}
