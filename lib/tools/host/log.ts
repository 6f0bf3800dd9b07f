import { printableMessage } from "../text/printable.ts";

/** A program's log. Results go to standard output, never here. */
export interface Log {
  /** Only with --debug or K3OS_DEBUG. */
  debug(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}

/**
 * A log that writes one line per message to `write`, debug messages only if `debug` is set. Messages may contain
 * foreign text: terminal control characters are replaced, and long messages are truncated.
 */
export function createLog(write: (line: string) => void, options: { debug?: boolean } = {}): Log {
  const say = (text: string) => write(`${printableMessage(text)}\n`);
  return {
    debug: (text) => {
      if (options.debug) say(`debug: ${text}`);
    },
    info: say,
    warn: (text) => say(`Warning: ${text}`),
    error: (text) => say(`Error: ${text}`),
  };
}
