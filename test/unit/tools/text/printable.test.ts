import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createJournal } from "../../../../lib/boot/journal.ts";
import { createLog } from "../../../../lib/tools/host/log.ts";
import { issueText } from "../../../../lib/tools/node/issue.ts";
import { createProgress } from "../../../../lib/tools/terminal/progress.ts";
import { CommandError, formatError } from "../../../../lib/tools/text/errors.ts";
import { printable, printableMessage, printableText } from "../../../../lib/tools/text/printable.ts";

/** Each of them moves the cursor, changes colours, rings, or turns the reading direction. */
const EVIL = {
  "an escape sequence": "\x1b[2J",
  "a carriage return": "\r",
  "a backspace": "\b",
  "a bell": "\x07",
  "a NUL": "\0",
  "a DEL": "\x7f",
  "a C1 control sequence introducer": "\x9b2J",
  "a right-to-left override": "\u202e",
  "an isolate": "\u2067",
  "a mark": "\u200f",
  "a line separator": "\u2028",
} as const;
const evil = Object.entries(EVIL);
const hasControls = (text: string) => printableText(text) !== text;

describe("printable()", () => {
  test.each(evil)("takes %s out", (_, text) => {
    expect(printable(`a${text}b`)).toMatch(/^a\?\S*b$/);
    expect(hasControls(printableText(`a${text}b`))).toBe(false);
  });

  test("keeps a line on one line, and a text in its lines", () => {
    expect(printable("a\nb\tc")).toBe("a?b?c");
    expect(printableText("a\nb\tc")).toBe("a\nb\tc");
  });

  test("keeps letters of all languages", () => {
    const text = "Größe 目次 שלום 🙂";
    expect(printable(text)).toBe(text);
  });
});

test("printableMessage() has a bound", () => {
  const shown = printableMessage("x".repeat(1_000_000));
  expect(shown.length).toBeLessThan(9000);
  expect(shown).toEndWith(" … (991808 more characters)");
});

describe("foreign text reaches no terminal as it is", () => {
  test.each(evil)("with %s", (_, text) => {
    const written: string[] = [];
    const log = createLog((line) => written.push(line), { debug: true });
    for (const say of [log.debug, log.info, log.warn, log.error]) say(`found "${text}"`);
    written.push(formatError(new CommandError("Reading", { cause: new Error(text), hint: text })));
    using progress = createProgress(`Downloading ${text}`, 10, {
      write: (line) => written.push(String(line)),
    });
    progress.finish();
    written.push(issueText("logo\n\nlogin\n", `${text}0  UP`));
    expect(written.filter(hasControls)).toEqual([]);
    expect(written.length).toBe(7);
  });
});

test("the journal of a boot holds no control characters", () => {
  const directory = mkdtempSync(join(tmpdir(), "k3os-journal-"));
  try {
    const journal = createJournal({ debug: false, now: () => 0 });
    journal.open(directory);
    journal.warn("the disk \x1b[31m says \x9b");
    journal.close();
    expect(readFileSync(join(directory, "boot.log"), "utf8")).toEndWith(" Warning: the disk ?[31m says ?\n");
  } finally {
    rmSync(directory, { recursive: true });
  }
});
