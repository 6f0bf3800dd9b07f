import { dirname, join } from "node:path";
import { getSystemErrorName } from "node:util";
import { CommandError } from "../text/errors.ts";

/**
 * System calls that the runtimes do not expose. Only this module differs between them: Bun calls the C library by FFI,
 * Node.js (armv7, in its launcher) calls an addon. Nothing is loaded before the first call.
 */

/** An argument of a system call: an integer, a string (passed as its UTF-8 bytes and a NUL), memory, or NULL. */
export type Argument = number | bigint | string | Uint8Array | null;

/** The functions that a runtime provides. */
interface Native {
  /** The result, or the negative errno. */
  readonly syscall: (number: number, ...args: (number | bigint | Uint8Array)[]) => number;
  /** The address of the bytes in memory; valid while the array is referenced. */
  readonly address: (bytes: Uint8Array) => number;
}

/** Numbers of the system calls that {@link execve} makes (Linux, arch/ARCH/…/syscall.tbl). */
const EXEC_CALLS: Readonly<Record<string, ExecCalls>> = {
  x64: { rt_sigaction: 13, rt_sigprocmask: 14, execve: 59, fcntl: 72, close_range: 436 },
  arm64: { fcntl: 25, rt_sigaction: 134, rt_sigprocmask: 135, execve: 221, close_range: 436 },
  arm: { execve: 11, rt_sigaction: 174, rt_sigprocmask: 175, fcntl: 221, close_range: 436 },
};
type ExecCalls = Readonly<
  Record<"rt_sigaction" | "rt_sigprocmask" | "execve" | "fcntl" | "close_range", number>
>;

// include/uapi/linux: fcntl.h, close_range.h; asm-generic/signal.h
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;
const CLOSE_RANGE_CLOEXEC = 4;
const SIG_SETMASK = 2;
const SIG_DFL = 0;
const SIG_IGN = 1;
const SIGNALS_IGNORED_BY_RUNTIMES = [13, 25]; // SIGPIPE, SIGXFSZ

let native: Native | undefined;

/**
 * Makes a system call by its number on this architecture (`process.arch`), with up to six arguments.
 * Returns the result, or the negative errno. Throws TypeError for a string that contains a NUL.
 */
export function syscall(number: number, ...args: readonly Argument[]): number {
  native ??= load();
  return native.syscall(number, ...args.map((arg) => (typeof arg === "string" ? cString(arg) : (arg ?? 0))));
}

/**
 * Replaces this process by another program: same process id and standard streams, all else closed.
 * The signals that the runtimes ignore get their default action again: otherwise the program and all its children would
 * ignore them. Throws CommandError if the program cannot be executed; the process continues then.
 */
export function execve(
  file: string,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): never {
  const calls = EXEC_CALLS[process.arch];
  if (calls === undefined) throw new CommandError(`Unsupported architecture "${process.arch}"`);
  setActions(SIG_DFL, calls.rt_sigaction);
  syscall(calls.rt_sigprocmask, SIG_SETMASK, Buffer.alloc(8), null, 8);
  for (const fd of [0, 1, 2]) inheritStream(fd, calls.fcntl);
  // Linux before 5.11 lacks it; there only files that a library opened without O_CLOEXEC stay open
  syscall(calls.close_range, 3, 0x7fffffff, CLOSE_RANGE_CLOEXEC);

  const set = Object.entries(env).filter(([, value]) => value !== undefined);
  const variables = set.map(([name, value]) => `${name}=${value}`);
  const errno = syscall(calls.execve, file, stringVector(argv), stringVector(variables));
  setActions(SIG_IGN, calls.rt_sigaction);
  throw new CommandError(`Cannot execute "${file}": ${getSystemErrorName(errno)}`);
}

function setActions(handler: number, rt_sigaction: number): void {
  const action = Buffer.alloc(32); // struct sigaction: the handler, then flags and masks of zero; 32 bytes at most
  action.writeUInt32LE(handler);
  for (const signal of SIGNALS_IGNORED_BY_RUNTIMES) syscall(rt_sigaction, signal, action, null, 8);
}

/** libuv opens terminals close-on-exec and makes streams non-blocking; the next program must inherit neither. */
function inheritStream(fd: number, fcntl: number): void {
  if (syscall(fcntl, fd, F_SETFD, 0) < 0) return; // not open
  const flags = syscall(fcntl, fd, F_GETFL, 0);
  if (flags >= 0) syscall(fcntl, fd, F_SETFL, flags & ~O_NONBLOCK);
}

/**
 * Frees unused memory. Otherwise Bun's collector lets it grow with the memory of the machine, especially network
 * buffers; Node.js does not need it.
 */
export function collectGarbage(): void {
  const { Bun: bun } = globalThis as { Bun?: { gc(wait: boolean): void } };
  bun?.gc(true);
}

function cString(text: string): Buffer {
  if (text.includes("\0"))
    throw new TypeError(`String for a system call holds a NUL: ${JSON.stringify(text)}`);
  return Buffer.from(`${text}\0`);
}

/** A NULL-terminated array of pointers to `strings`, which follow in the same memory and have the same lifetime. */
function stringVector(strings: readonly string[]): Buffer {
  native ??= load();
  const pointerSize = process.arch === "arm" ? 4 : 8;
  const encoded = strings.map(cString);
  const vector = Buffer.concat([Buffer.alloc((strings.length + 1) * pointerSize), ...encoded]);
  let address = native.address(vector) + (strings.length + 1) * pointerSize;
  for (const [i, string] of encoded.entries()) {
    if (pointerSize === 4) vector.writeUInt32LE(address, i * pointerSize);
    else vector.writeBigUInt64LE(BigInt(address), i * pointerSize);
    address += string.length;
  }
  return vector;
}

function load(): Native {
  return process.versions.bun === undefined ? loadForNode() : loadForBun();
}

function loadForBun(): Native {
  // not a static import: Node.js lacks the module
  const ffi = process.getBuiltinModule("bun:ffi") as unknown as typeof import("bun:ffi");
  // this name finds glibc, and in the product musl: its loader accepts any "libc.…" for itself
  const { symbols } = ffi.dlopen("libc.so.6", {
    syscall: { args: ["i64", "i64", "i64", "i64", "i64", "i64", "i64"], returns: "i64" },
    __errno_location: { args: [], returns: "ptr" },
  });
  const errno = symbols.__errno_location(); // the address is constant within a thread
  if (errno === null) throw new CommandError("The C library gives no errno");
  return {
    address: ffi.ptr,
    syscall: (number, ...args) => {
      const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = args.map((arg) =>
        arg instanceof Uint8Array ? ffi.ptr(arg) : arg,
      );
      const result = Number(symbols.syscall(number, a, b, c, d, e, f));
      return result === -1 ? -ffi.read.i32(errno, 0) : result;
    },
  };
}

function loadForNode(): Native {
  const [, script = ""] = process.argv; // beside the addon in the launcher's directory
  const addon = { exports: {} as Native };
  process.dlopen(addon, join(dirname(script), "native.node"));
  return addon.exports;
}
