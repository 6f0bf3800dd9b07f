import { printableMessage } from "./printable.ts";

/** Exit statuses of all commands; a command may document further ones. */
export const EXIT = { done: 0, failed: 1, usage: 2, refused: 4, interrupted: 130 } as const;

/** A failure with a message for the user: the action, the reason and, as `hint`, the next step. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
  readonly hint: string | undefined;

  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint;
  }
}

/** An invalid command line: exit status 2, with the usage of the command. */
export class UsageError extends CommandError {
  override readonly name = "UsageError";
}

/** Refused because it is not its turn: nothing is wrong, but something else comes first. Exit status 4. */
export class OrderError extends CommandError {
  override readonly name = "OrderError";
}

/** The user ended the program (Ctrl-C, or "no" if that means stop): exit status 130. */
export class Interrupted extends CommandError {
  override readonly name = "Interrupted";
}

/** The exit status for a thrown value. */
export function exitStatus(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof OrderError) return EXIT.refused;
  if (error instanceof Interrupted) return EXIT.interrupted;
  return EXIT.failed;
}

/**
 * The text of a thrown value, with its causes joined by ": "; never a stack. The original failure comes first, also if
 * the cleanup of an `await using` failed after it (SuppressedError). `said` is the preceding text, if there is one: a
 * path or URL in it is not repeated.
 */
export function messageOf(error: unknown, said = ""): string {
  return describe(error, said);
}

function describe(error: unknown, said: string): string {
  if (!(error instanceof Error)) return String(error);
  if ("suppressed" in error && "error" in error) {
    return `${describe(error.suppressed, said)}; then, cleaning up: ${describe(error.error, said)}`;
  }
  const message = isErrno(error) ? describeErrno(error, said) : withoutRepetition(error.message, said);
  if (error.cause === undefined) return message === "" ? error.message : message;
  const cause = describe(error.cause, said + error.message);
  return message === "" ? cause : `${message}: ${cause}`;
}

/** A message without its beginning `Cannot read "/etc/x"`, if the preceding text names the same path or URL. */
function withoutRepetition(message: string, said: string): string {
  const [start, name] = /^(?:Cannot [a-z]+ )?"([^"]+)"(?:: |$)/.exec(message) ?? [];
  return start !== undefined && names(said, name ?? "") ? message.slice(start.length) : message;
}

/** Whether a text has a path or URL in quotes, or is one. */
function names(text: string, name: string): boolean {
  return text === name || text.includes(`"${name}"`);
}

function isErrno(error: Error): error is NodeJS.ErrnoException {
  return typeof (error as NodeJS.ErrnoException).syscall === "string";
}

/** Formats `ENOENT: no such file or directory, open '/etc/x'` for users: `"/etc/x": no such file or directory`. */
function describeErrno(
  { code = "", message, path, syscall = "" }: NodeJS.ErrnoException,
  said: string,
): string {
  if (syscall.startsWith("spawn")) return code === "ENOENT" ? "there is no such program" : message;
  const reason = message.startsWith(`${code}: `) ? message.slice(code.length + 2).split(", ")[0] : undefined;
  if (reason === undefined) return message;
  return path === undefined || names(said, path) ? reason : `"${path}": ${reason}`;
}

/**
 * The error message for the user, without a final newline: `Error: …`, and the hint on a separate line. With `stack`,
 * an unexpected error also gets its stack; for an expected one it is no help.
 */
export function formatError(error: unknown, options: { stack?: boolean } = {}): string {
  const lines = [printableMessage(`Error: ${messageOf(error)}`)];
  if (error instanceof CommandError && error.hint !== undefined) {
    lines.push(printableMessage(`Hint: ${error.hint}`));
  }
  if (options.stack && error instanceof Error && error.stack !== undefined && !isExpected(error))
    lines.push(error.stack);
  return lines.join("\n");
}

/** An error with a message for users, or one of the system, such as a missing file. */
function isExpected(error: Error): boolean {
  if ("suppressed" in error && error.suppressed instanceof Error) return isExpected(error.suppressed);
  return error instanceof CommandError || isErrno(error);
}

/** Runs `action`; an error gets `doing` (a gerund: "opening /dev/vda") as context. */
export async function during<T>(doing: string, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (cause instanceof Interrupted || cause instanceof UsageError || cause instanceof OrderError)
      throw cause;
    const hint = cause instanceof CommandError ? cause.hint : undefined;
    throw new CommandError(doing, hint === undefined ? { cause } : { cause, hint });
  }
}
