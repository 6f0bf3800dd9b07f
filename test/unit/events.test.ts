import { describe, expect, test } from "bun:test";
import { CommandError } from "../../lib/errors.ts";
import { withEvents } from "../../lib/events.ts";
import { showProgress } from "../../lib/progress.ts";
import { testHost } from "../support/host.ts";

describe("withEvents()", () => {
  test("tells everything as lines of JSON, the end last", async () => {
    using host = testHost();
    const result = await withEvents(true, host, async (watched) => {
      watched.log.info("Copying …");
      watched.log.warn("careful");
      using progress = showProgress("Downloading x", 10, watched);
      progress.update(1);
      progress.update(2); // too soon after the first
      await host.clock.sleep(1000);
      progress.update(3, 20);
      progress.finish();
      watched.print("the plan\n");
      return 7;
    });
    expect(result).toBe(7);
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
    const call = withEvents(true, host, async () => {
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

  test("is the action itself without the option", async () => {
    using host = testHost();
    await withEvents(false, host, async (watched) => watched.print("as ever\n"));
    expect(host.printed).toEqual(["as ever\n"]);
  });
});
