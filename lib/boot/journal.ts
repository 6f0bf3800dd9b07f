import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Log } from "../tools/host/log.ts";
import { PATH } from "../tools/host/paths.ts";
import { printableMessage } from "../tools/text/printable.ts";

/** Number of boots to keep: `boot.log`, `boot.log.1` … */
const KEPT = 5;

/**
 * The log of a boot. Each line goes to the kernel's log, and so to every console, and to a file on the state partition
 * as soon as that is mounted. Each line is flushed, so it survives a later failure of the boot.
 */
export interface BootJournal extends Log {
  /**
   * Starts a new file in `directory` (created if missing), keeps those of earlier boots, and writes all lines so far.
   */
  open(directory: string): void;
  /** Continues the file that an earlier stage of this boot opened; does nothing if there is none. */
  resume(directory: string): void;
  close(): void;
}

export function createJournal(options: { debug: boolean; now: () => number }): BootJournal {
  const lines: string[] = [];
  let file: number | undefined;

  function write(level: number, message: string): void {
    const text = printableMessage(message);
    const line = `${new Date(options.now()).toISOString()} [${uptime()}] ${text}\n`;
    toConsole(level, text);
    if (file === undefined) lines.push(line);
    else append(line);
  }

  function append(line: string): void {
    if (file === undefined) return;
    try {
      writeSync(file, line);
      fsyncSync(file);
    } catch (error) {
      file = undefined; // a full or failing disk must not stop the boot
      toConsole(4, `The boot journal cannot be written: ${String(error)}`);
    }
  }

  function start(path: string): void {
    try {
      file = openSync(path, "a", 0o640);
    } catch (error) {
      toConsole(4, `The boot journal cannot be opened: ${String(error)}`);
      return;
    }
    append(lines.splice(0).join(""));
  }

  return {
    debug: (text) => {
      if (options.debug) write(6, text);
    },
    info: (text) => write(5, text),
    warn: (text) => write(4, `Warning: ${text}`),
    error: (text) => write(3, `Error: ${text}`),
    open: (directory) => {
      try {
        mkdirSync(directory, { recursive: true });
        rotate(join(directory, "boot.log"));
      } catch (error) {
        toConsole(4, `The boot journals of before stay where they are: ${String(error)}`);
      }
      start(join(directory, "boot.log"));
    },
    resume: (directory) => {
      if (existsSync(join(directory, "boot.log"))) start(join(directory, "boot.log"));
    },
    close: () => {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}

/** Seconds since the kernel started, as in its own log. */
function uptime(): string {
  try {
    return readFileSync("/proc/uptime", "utf8").split(" ")[0]?.padStart(8) ?? "?";
  } catch {
    return "?"; // /proc is not mounted yet
  }
}

/** Lines in the kernel's log reach all consoles; our own output would reach only the last one. */
function toConsole(level: number, text: string): void {
  try {
    for (const line of text.split("\n"))
      appendFileSync("/dev/kmsg", `<${level}>k3os: ${line}\n`, { flag: "w" });
  } catch {
    process.stderr.write(`k3os: ${text}\n`); // no /dev/kmsg in a container
  }
}

function rotate(path: string): void {
  for (let age = KEPT - 1; age >= 1; age--) {
    const younger = age === 1 ? path : `${path}.${age - 1}`;
    if (existsSync(younger)) renameSync(younger, `${path}.${age}`);
  }
}

/** Directory of an installed system's journal, below the root of the running system. */
export const JOURNAL_DIRECTORY = join(PATH.localState, "boot");
