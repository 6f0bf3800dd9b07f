/** Where a program's running commentary goes. Results go to standard output and never through here. */
export interface Log {
  /** Only with --debug or K3OS_DEBUG. */
  debug(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}

/** A log that writes one line per message to `write`, debug messages only if `debug`. */
export function createLog(write: (line: string) => void, options: { debug?: boolean } = {}): Log {
  return {
    debug: (text) => {
      if (options.debug) write(`debug: ${text}\n`);
    },
    info: (text) => write(`${text}\n`),
    warn: (text) => write(`Warning: ${text}\n`),
    error: (text) => write(`Error: ${text}\n`),
  };
}
