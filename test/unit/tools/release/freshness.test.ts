import { describe, expect, test } from "bun:test";
import { checkFreshness, day, type FreshnessOptions } from "../../../../lib/tools/release/freshness.ts";
import { CommandError } from "../../../../lib/tools/text/errors.ts";
import { testHost } from "../../../support/host.ts";

const DAY = 86_400;
const SERVER: FreshnessOptions = { name: "https://h/list", isLocal: false, allowExpired: undefined };

/** Judges a list that was signed and expires so many days from now; what was logged, and the error. */
function judge(list: { signed?: number; expires?: number }, options: Partial<FreshnessOptions> = {}) {
  using host = testHost();
  const now = Math.floor(host.clock.now() / 1000);
  const { signed = 0, expires } = list;
  const times = {
    timestamp: now + signed * DAY,
    ...(expires !== undefined && { expires: now + expires * DAY }),
  };
  try {
    checkFreshness({ version: "v1", ...times }, { ...SERVER, ...options }, host);
    return { logged: host.logged };
  } catch (error) {
    return { logged: host.logged, error: error as CommandError };
  }
}

describe("checkFreshness()", () => {
  test("takes what has not expired, and what does not say", () => {
    expect(judge({ expires: 1 })).toEqual({ logged: [] });
    expect(judge({})).toEqual({ logged: [] });
  });

  test("refuses what has expired, with what can be done", () => {
    const { error } = judge({ signed: -9, expires: 0 });
    expect(error).toBeInstanceOf(CommandError);
    expect(error?.message).toMatch(
      /^"https:\/\/h\/list" of v1 expired on \d{4}-\d\d-\d\d: the server may hide/,
    );
    expect(error?.hint).toEndWith("to take this one, download the release to a directory");
    const upgrade = judge({ expires: -1 }, { allowExpired: false });
    expect(upgrade.error?.hint).toEndWith("to take this one, use --allow-expired");
  });

  test("only warns of it in a directory, and where the user allows it", () => {
    for (const options of [{ isLocal: true }, { allowExpired: true }]) {
      const { error, logged } = judge({ expires: -1 }, options);
      expect(error).toBeUndefined();
      expect(logged.join()).toContain("see whether there is a newer release");
    }
  });

  test("warns of a list of half a year ago", () => {
    expect(judge({ signed: -181, expires: 1 }).logged.join()).toContain("was signed 181 days ago");
    expect(judge({ signed: -179, expires: 1 }).logged).toEqual([]);
  });
});

test("day() is the date of a time, in UTC", () => {
  expect(day(1_767_225_599)).toBe("2025-12-31");
});
