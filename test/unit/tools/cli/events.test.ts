import { describe, expect, test } from "bun:test";
import { withEvents } from "../../../../lib/tools/cli/events.ts";
import { showProgress } from "../../../../lib/tools/terminal/progress.ts";
import { CommandError } from "../../../../lib/tools/text/errors.ts";
import { testHost } from "../../../support/host.ts";

describe("withEvents()", () => {
  test("tells everything as lines of JSON, the end last", async () => {
    using host = testHost();
    const status = await withEvents(host, async (watched) => {
      watched.log.info("Copying …");
      watched.log.warn("careful");
      using progress = showProgress("Downloading x", 10, watched);
      progress.update(1);
      progress.update(2); // too soon after the first
      await host.clock.sleep(1000);
      progress.update(3, 20);
      progress.finish();
      watched.print("the plan\n");
      return 0;
    });
    expect(status).toBe(0);
    const events = host.printed.map((line) => JSON.parse(line));
    expect(events.every(({ time }) => /^\d{4}-.*Z$/.test(time))).toBe(true);
    expect(events.map(({ time, ...event }) => event)).toEqual([
      { event: "message", level: "info", text: "Copying …" },
      { event: "message", level: "warning", text: "careful" },
      { event: "progress", label: "Downloading x", done: 1, total: 10 },
      { event: "progress", label: "Downloading x", done: 3, total: 20 },
      { event: "progress", label: "Downloading x", done: 3, total: 20 },
      { event: "output", text: "the plan\n" },
      { event: "end", ok: true },
    ]);
    expect(host.logged).toEqual([]);
  });

  test("tells of an error, and throws it on", async () => {
    using host = testHost();
    const error = new CommandError("broken", { hint: "mend it", cause: new Error("why") });
    const call = withEvents(host, async () => {
      throw error;
    });
    expect(call).rejects.toBe(error);
    expect(JSON.parse(host.printed[0] ?? "")).toMatchObject({
      event: "end",
      ok: false,
      error: "broken: why",
      hint: "mend it",
    });
  });

  test("tells programs what people are not told, and of a failure that throws nothing", async () => {
    using host = testHost();
    const status = await withEvents(host, async (watched) => {
      watched.tell?.({ event: "result", value: { taken: "aws" } });
      return 1;
    });
    expect(status).toBe(1);
    const events = host.printed.map((line) => JSON.parse(line));
    expect(events).toMatchObject([
      { event: "result", value: { taken: "aws" } },
      { event: "end", ok: false },
    ]);
  });

  test("keeps what users' shell lines print out of the events", async () => {
    const outputs: unknown[] = [];
    using host = testHost({
      shell: async (_, options) => {
        outputs.push(options?.output);
        return 0;
      },
    });
    await withEvents(host, ({ sh }) => sh("echo hello"));
    expect(outputs).toEqual(["stderr"]);
  });
});
