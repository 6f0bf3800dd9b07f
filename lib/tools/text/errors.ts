import { printableMessage } from "./printable.ts";

/** Exit statuses shared by every command; a command may document more of its own. */
export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** A failure whose message is for the user: what we were doing, why it failed and, as `hint`, what to do next. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
  readonly hint: string | undefined;

  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint;
  }
}

/** The command line cannot be understood: exit status 2, with the usage of the command concerned. */
export class UsageError extends CommandError {
  override readonly name = "UsageError";
}

/** The user ended the program (Ctrl-C, or "no" where that means stop): exit status 130. */
export class Interrupted extends CommandError {
  override readonly name = "Interrupted";
}

/** The exit status that a thrown value stands for. */
export function exitStatus(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof Interrupted) return EXIT.interrupted;
  return EXIT.failed;
}

/**
 * The text of a thrown value, its causes joined by ": "; never a stack. What failed first comes first, also where
 * cleaning up at the end of an `await using` failed after it (SuppressedError).
 */
export function messageOf(error: unknown): string {
  return describe(error, "");
}

/** `said` is what has been said before: a path in it need not be said again. */
function describe(error: unknown, said: string): string {
  if (!(error instanceof Error)) return String(error);
  if ("suppressed" in error && "error" in error) {
    return `${describe(error.suppressed, said)}; then, cleaning up: ${describe(error.error, said)}`;
  }
  const message = isErrno(error) ? describeErrno(error, said) : error.message;
  if (error.cause === undefined) return message;
  return `${message}: ${describe(error.cause, said + message)}`;
}

function isErrno(error: Error): error is NodeJS.ErrnoException {
  return typeof (error as NodeJS.ErrnoException).syscall === "string";
}

/** `ENOENT: no such file or directory, open '/etc/x'` as people say it: `"/etc/x": no such file or directory`. */
function describeErrno(
  { code = "", message, path, syscall = "" }: NodeJS.ErrnoException,
  said: string,
): string {
  if (syscall.startsWith("spawn")) return code === "ENOENT" ? "there is no such program" : message;
  const reason = message.startsWith(`${code}: `) ? message.slice(code.length + 2).split(", ")[0] : undefined;
  if (reason === undefined) return message;
  return path === undefined || said.includes(path) ? reason : `"${path}": ${reason}`;
}

/**
 * What the user sees of a failure, without a final newline: `Error: …`, and the hint on a line of its own. With `stack` also
 * where in the program it happened, unless it was to be expected: then that says nothing to anybody.
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

/** A failure that the program knows how to tell, or one of the system, such as a file that is not there. */
function isExpected(error: Error): boolean {
  if ("suppressed" in error && error.suppressed instanceof Error) return isExpected(error.suppressed);
  return error instanceof CommandError || isErrno(error);
}

/** Runs `action`; an error gets `doing` (a gerund: "opening /dev/vda") put before it as context. */
export async function during<T>(doing: string, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (cause instanceof Interrupted || cause instanceof UsageError) throw cause;
    const hint = cause instanceof CommandError ? cause.hint : undefined;
    throw new CommandError(doing, hint === undefined ? { cause } : { cause, hint });
  }
}
