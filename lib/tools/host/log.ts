import { printableMessage } from "../text/printable.ts";

/** Where a program's running commentary goes. Results go to standard output and never through here. */
export interface Log {
  /** Only with --debug or K3OS_DEBUG. */
  debug(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}

/**
 * A log that writes one line per message to `write`, debug messages only if `debug`. Messages may hold foreign text: what a
 * terminal would take for a command is replaced, and what is too long is cut.
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
