import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fetchConfig } from "../../../../lib/config/read/accept-configuration.ts";
import { readTextBounded } from "../../../../lib/tools/fs/read-bounded.ts";
import { readRecord } from "../../../../lib/tools/fs/record.ts";
import {
  CommandError,
  during,
  exitStatus,
  formatError,
  Interrupted,
  messageOf,
  UsageError,
} from "../../../../lib/tools/text/errors.ts";
import { type TestHost, testHost } from "../../../support/host.ts";

/** What an action throws. */
async function thrown(action: () => unknown): Promise<unknown> {
  try {
    await action();
  } catch (error) {
    return error;
  }
  throw new Error("It threw nothing");
}

describe("messageOf()", () => {
  test("joins the causes, and turns the system's errors into sentences", async () => {
    const error = await thrown(() => during("Writing the menu", () => readFileSync("/nonexistent/grub.cfg")));
    expect(messageOf(error)).toBe('Writing the menu: "/nonexistent/grub.cfg": no such file or directory');
  });

  test("says a path once, however many of those who report it name it", async () => {
    const inner = await thrown(() => readFileSync("/nonexistent/a"));
    const reading = new CommandError('Cannot read "/nonexistent/a"', { cause: inner });
    const outer = new CommandError('Opening the medium "/nonexistent/a"', { cause: reading });
    expect(messageOf(outer)).toBe('Opening the medium "/nonexistent/a": no such file or directory');
    expect(messageOf(new CommandError('"/nonexistent/a": too large'), 'The list "/nonexistent/a"')).toBe(
      "too large",
    );
  });

  test("keeps a message that says nothing but what was said, and one about another path", () => {
    expect(messageOf(new CommandError('Cannot read "/a"'), 'Reading "/a"')).toBe('Cannot read "/a"');
    expect(messageOf(new CommandError('Cannot read "/a": empty'), 'Reading "/a.txt"')).toBe(
      'Cannot read "/a": empty',
    );
    expect(messageOf(new CommandError('"/a" is not a directory'), 'Reading "/a"')).toBe(
      '"/a" is not a directory',
    );
  });

  test("gives the failure before that of the cleanup", () => {
    const error = new SuppressedError(new CommandError("Cannot unmount"), new CommandError("Disk full"));
    expect(messageOf(error)).toBe("Disk full; then, cleaning up: Cannot unmount");
  });
});

describe("a path that cannot be read is named once", () => {
  test.each([
    ["by a configuration", "missing", (path: string, host: TestHost) => fetchConfig(path, host)],
    ["by a configuration", "directory", (path: string, host: TestHost) => fetchConfig(path, host)],
    ["by a record", "directory", (path: string) => readRecord(path, (value) => value)],
    ["by a step", "missing", (path: string) => during(`Reading "${path}"`, () => readTextBounded(path))],
  ])("%s: %s", async (_by, name, read) => {
    using host = testHost();
    mkdirSync(join(host.root, "directory"));
    const path = join(host.root, name);
    const message = formatError(await thrown(() => read(path, host)));
    expect(message.split(path)).toHaveLength(2);
    expect(message).toMatch(/: (found a directory, expected a file|no such file or directory)$/);
  });
});

test("exitStatus() tells usage, interruption and failure apart", () => {
  expect([new UsageError("a"), new Interrupted("a"), new CommandError("a"), "a"].map(exitStatus)).toEqual([
    2, 130, 1, 1,
  ]);
});
