import { expect, test } from "bun:test";
import { join } from "node:path";
import { runProgram } from "../../../../lib/tools/host/host.ts";

const OUTPUT = join(import.meta.dirname, "../../../../lib/tools/host/output.ts");

/** Runs a program that writes `length` characters and then does `next`, in a shell line in which it is `$PROGRAM`. */
function write(length: number, line: string, next = "") {
  const program = `import { writeOut } from "${OUTPUT}"; writeOut(1, "x".repeat(${length})); ${next}`;
  return runProgram(["sh", "-c", line.replace("$PROGRAM", `"${process.execPath}" -e '${program}'`)]);
}

test("writeOut() has written everything when it returns", async () => {
  const { stdout } = await write(3_000_000, "$PROGRAM 2>&1 | cat", 'process.kill(process.pid, "SIGKILL")');
  expect(stdout).toHaveLength(3_000_000);
});

test("writeOut() waits for a slow reader of a pipe that another program made non-blocking", async () => {
  const nonBlocking = "perl -MFcntl -e 'fcntl(STDOUT, F_SETFL, O_WRONLY | O_NONBLOCK) or die; exec @ARGV' --";
  const { stdout } = await write(300_000, `${nonBlocking} $PROGRAM | { sleep 0.1; cat; }`);
  expect(stdout).toHaveLength(300_000);
});

test.each(["$PROGRAM | head -c 1", "$PROGRAM >&-; echo -n $?"])(
  "writeOut() in %s is no error",
  async (line) => {
    const { stderr } = await write(300_000, line);
    expect(stderr).toBe("");
  },
);

test("writeOut() to a full disk throws", async () => {
  const { stdout } = await write(10, "$PROGRAM 2>/dev/null >/dev/full; echo $?");
  expect(stdout).toBe("1\n");
});
