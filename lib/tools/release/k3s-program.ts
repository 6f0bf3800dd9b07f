import { chmodSync, copyFileSync, readSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseElf } from "../fs/elf-header.ts";
import { openRegular } from "../fs/read-bounded.ts";
import { scratchDirectory } from "../fs/scratch-directory.ts";
import { cmd } from "../host/cmd.ts";
import type { Host, RunResult } from "../host/host.ts";
import { TARGETS, type Target } from "../host/targets.ts";
import { CommandError, messageOf } from "../text/errors.ts";
import { isVersion } from "./version-name.ts";

/** Bytes that hold the header and the table of the segments, which is behind it. */
const HEADER = 1 << 16;

/** Milliseconds for `k3s --version`: 200 MB that are read from a slow disk, or emulated, on a busy machine. */
const PATIENCE = 180_000;

/**
 * Checks by its ELF header that a file can be a k3s for an architecture. Throws CommandError for a file that is no
 * program, is for another architecture, or is truncated.
 */
export function checkK3sFile(file: string, { arch, elfMachine }: Pick<Target, "arch" | "elfMachine">): void {
  const refuse = (reason: string) => new CommandError(`"${file}" cannot be the k3s for ${arch}: ${reason}`);
  using opened = openRegular(file);
  const start = Buffer.alloc(Math.min(HEADER, opened.size));
  readSync(opened.fd, start, 0, start.length, 0);
  if (start.subarray(0, 4).toString("latin1") !== "\x7fELF") {
    const found = start.length === 0 ? "an empty file" : JSON.stringify(start.toString("latin1", 0, 16));
    throw refuse(`expected an ELF program, found ${found}`);
  }
  const { machine, end } = headerOf(start, refuse);
  if (machine !== elfMachine) {
    const other = TARGETS.find((target) => target.elfMachine === machine)?.arch ?? `ELF machine ${machine}`;
    throw refuse(`it is for ${other}`);
  }
  if (end > opened.size)
    throw refuse(`it is truncated: expected at least ${end} bytes, found ${opened.size}`);
}

function headerOf(start: Buffer, refuse: (reason: string) => CommandError) {
  try {
    return parseElf(start);
  } catch (error) {
    throw refuse(messageOf(error));
  }
}

/**
 * The version that a k3s prints, such as `v1.36.3+k3s1`, after {@link checkK3sFile}. `runner` are the words before the
 * program for another architecture than the machine's (qemu-user). Throws CommandError if it does not run, or prints
 * no version.
 */
export async function readK3sVersion(
  file: string,
  target: Pick<Target, "arch" | "elfMachine">,
  host: Pick<Host, "run">,
  { runner = [] }: { readonly runner?: readonly string[] } = {},
): Promise<string> {
  checkK3sFile(file, target);
  using program = executable(file);
  const { code, stdout, stderr } = await run(cmd`${runner} ${program.path} --version`, file, host);
  const output = stdout.trim() === "" ? stderr : stdout;
  const [, version] = /^k3s version (\S+)/m.exec(stdout) ?? [];
  if (code !== 0) {
    const last = (stderr.trim() || stdout.trim()).split("\n").at(-1) ?? "";
    throw new CommandError(
      `The k3s "${file}" does not run: "k3s --version" ended with status ${code}${last && `, "${last}"`}`,
    );
  }
  if (version !== undefined && /^v\d+\.\d+\.\d+/.test(version) && isVersion(version)) return version;
  const found = JSON.stringify(output.trim().slice(0, 80));
  throw new CommandError(
    `Cannot read the version of the k3s "${file}": expected "k3s version v…", found ${found}`,
  );
}

/**
 * Checks that a file is a complete k3s for this architecture, which runs here, of the version whose name it has. Throws
 * CommandError with what is wrong.
 */
export async function checkK3s(
  file: string,
  version: string,
  target: Pick<Target, "arch" | "elfMachine">,
  host: Pick<Host, "run">,
): Promise<void> {
  const found = await readK3sVersion(file, target, host);
  if (found !== version) {
    throw new CommandError(
      `The k3s "${file}" is not the one it is named: expected ${version}, found ${found}`,
    );
  }
}

/** The file, or else a copy of it that may be executed; the container of a Plan has no room for one. */
function executable(file: string): Disposable & { readonly path: string } {
  if ((statSync(file).mode & 0o100) !== 0) return { path: file, [Symbol.dispose]: () => undefined };
  const scratch = scratchDirectory(tmpdir(), "k3os-k3s-");
  const path = join(scratch.path, "k3s");
  copyFileSync(file, path);
  chmodSync(path, 0o700);
  return { path, [Symbol.dispose]: () => scratch[Symbol.dispose]() };
}

async function run(argv: readonly string[], file: string, host: Pick<Host, "run">): Promise<RunResult> {
  try {
    return await host.run(argv, { check: false, timeout: PATIENCE });
  } catch (error) {
    throw new CommandError(`The k3s "${file}" does not run: ${messageOf(error, file)}`);
  }
}
