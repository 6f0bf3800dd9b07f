import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { runProgram } from "../../../../lib/tools/host/host.ts";
import { syscall } from "../../../../lib/tools/host/native.ts";

/** Numbers of system calls by `process.arch`. */
const GETPID = { x64: 39, arm64: 172, arm: 20 }[process.arch as "x64"];
const CHDIR = { x64: 80, arm64: 49, arm: 12 }[process.arch as "x64"];
const GETCWD = { x64: 79, arm64: 17, arm: 183 }[process.arch as "x64"];

describe("syscall()", () => {
  test("returns the result", () => {
    expect(syscall(GETPID)).toBe(process.pid);
  });

  test("returns the negative error number", () => {
    expect(syscall(CHDIR, "/no such directory")).toBe(-2); // ENOENT
  });

  test("passes memory that the kernel writes to", () => {
    const path = Buffer.alloc(4096);
    const length = syscall(GETCWD, path, path.length);
    expect(path.toString("utf8", 0, length - 1)).toBe(process.cwd());
  });

  test("refuses a string that the kernel would cut at a NUL", () => {
    expect(() => syscall(CHDIR, "/tmp\0/other")).toThrow("holds a NUL");
  });
});

describe("execve()", () => {
  /** What a Bun of its own prints that executes `file` with `argv`; it has an open file, and ignores SIGPIPE as Bun does. */
  async function replace(file: string, argv: readonly string[]): Promise<string> {
    const native = join(import.meta.dirname, "../../../../lib/tools/host/native.ts");
    const program = `
      import { openSync, readFileSync } from "node:fs";
      import { execve } from ${JSON.stringify(native)};
      openSync("/etc/passwd");
      console.log("pid", process.pid);
      try {
        execve(${JSON.stringify(file)}, ${JSON.stringify(argv)}, { WORD: "a b=c", ABSENT: undefined });
      } catch (error) {
        console.log(error.message);
        console.log(readFileSync("/proc/self/status", "utf8"));
      }`;
    return (await runProgram([process.execPath, "--eval", program])).stdout;
  }

  test("keeps the process and gives it exactly the environment and the words", async () => {
    const script = 'echo "pid $$"; echo "$0: $1, $WORD"; [ -n "$ABSENT" ] || echo absent';
    const output = await replace("/bin/sh", ["sh", "-c", script, "zero", "one two"]);
    const [before, after, ...words] = output.trim().split("\n");
    expect(after).toBe(before ?? "");
    expect(words).toEqual(["zero: one two, a b=c", "absent"]);
  });

  test("leaves the next program no ignored or blocked signal, no thread and no open file", async () => {
    const status = 'while read -r line; do echo "$line"; done < /proc/self/status';
    const files =
      "for fd in 3 4 5 6 7 8 9 10 11 12 13 14 15; do [ ! -e /proc/$$/fd/$fd ] || echo open $fd; done";
    const output = await replace("/bin/sh", ["sh", "-c", `${status}; ${files}`]);
    expect(output).toMatch(/^SigBlk:\s*0+$/m);
    expect(output).toMatch(/^SigIgn:\s*0+$/m);
    expect(output).toMatch(/^Threads:\s*1$/m);
    expect(output).not.toContain("open ");
  });

  test("throws if the program cannot be executed, and SIGPIPE is ignored as before", async () => {
    const output = await replace("/no such program", []);
    expect(output).toContain('Cannot execute "/no such program": ENOENT');
    const ignored = BigInt(`0x${/^SigIgn:\s*(\w+)$/m.exec(output)?.[1]}`);
    expect(ignored & (1n << 12n)).not.toBe(0n);
  });
});
