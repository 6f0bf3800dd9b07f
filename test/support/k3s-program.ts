import { basename, dirname } from "node:path";
import type { Arch } from "../../lib/tools/host/targets.ts";
import { elfFile, segment } from "./elf.ts";

export interface K3sProgramOptions {
  /** What it prints; by default as k3s, its version. */
  readonly prints?: string;
  /** Its exit status; default 0. */
  readonly status?: number;
  readonly arch?: Exclude<Arch, "arm">;
}

const ADDRESS = 0x400000;
/** Of the header and the one segment of {@link elfFile}. */
const TABLES = 64 + 56;
const MACHINES = { amd64: 62, arm64: 183 } as const;

/**
 * A static program that stands for k3s: a few hundred bytes that print the version of a k3s, whatever the arguments are,
 * and end. It is real: the kernel runs it, or qemu-user.
 */
export function k3sProgram(
  version: string,
  {
    prints = `k3s version ${version} (12345678)\ngo version go1.26.0\n`,
    status = 0,
    arch = "amd64",
  }: K3sProgramOptions = {},
): Buffer<ArrayBuffer> {
  const text = Buffer.from(prints);
  const code = arch === "amd64" ? amd64Code(text.length, status) : arm64Code(text.length, status);
  const content = Buffer.concat([code, text]);
  const size = TABLES + content.length;
  const whole = segment({ flags: 5, address: ADDRESS, fileSize: size, memorySize: size });
  const program = elfFile({ machine: MACHINES[arch], entry: ADDRESS + TABLES, segments: [whole] });
  return Buffer.concat([program, content]);
}

/** write(1, the text behind this code, length), exit(status). */
function amd64Code(length: number, status: number): Buffer {
  const word = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    return [...bytes];
  };
  return Buffer.from([
    ...[0xb8, ...word(1), 0xbf, ...word(1)], // mov eax, 1; mov edi, 1
    ...[0x48, 0x8d, 0x35, ...word(19)], // lea rsi, [rip + 19]
    ...[0xba, ...word(length), 0x0f, 0x05], // mov edx, length; syscall
    ...[0xb8, ...word(60), 0xbf, ...word(status), 0x0f, 0x05], // mov eax, 60; mov edi, status; syscall
  ]);
}

function arm64Code(length: number, status: number): Buffer {
  const move = (register: number, value: number) => (0xd2800000 | (value << 5) | register) >>> 0;
  const call = 0xd4000001; // svc 0
  const text = 0x100000e1; // adr x1, 28 bytes from here
  const code = [move(0, 1), text, move(2, length), move(8, 64), call, move(0, status), move(8, 93), call];
  const bytes = Buffer.alloc(code.length * 4);
  for (const [i, word] of code.entries()) bytes.writeUInt32LE(word, i * 4);
  return bytes;
}

/** What a k3s in the directory of its version prints, for a host that runs no program. */
export function k3sAnswer([program = "", ...words]: readonly string[]): { readonly stdout: string } {
  const isVersion = basename(program) === "k3s" && words[0] === "--version";
  return { stdout: isVersion ? `k3s version ${basename(dirname(program))} (12345678)\n` : "" };
}
