import { expect, test } from "bun:test";
import { superfluous } from "../../../../lib/make/build/step-results.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const NOW = 100 * DAY;

function used(entry: string, ago: number) {
  return { entry, used: NOW - ago };
}

test("superfluous(): of one clone's results all others of the name go", () => {
  const entries = [used("iso@old", MINUTE), used("iso-arm@other", MINUTE)];
  expect(superfluous(entries, "iso", 0, NOW)).toEqual(["iso@old"]);
});

test("superfluous(): of shared results those go that were used longest ago, and none that may be in use", () => {
  const entries = [
    ...[used("kernel@a", 5 * MINUTE), used("kernel@b", 30 * MINUTE)],
    ...[used("kernel@c", DAY), used("kernel@d", 2 * DAY), used("kernel@e", 3 * DAY)],
  ];
  expect(superfluous(entries, "kernel", 3, NOW)).toEqual(["kernel@d", "kernel@e"]);
  expect(superfluous(entries, "kernel", 1, NOW)).toEqual(["kernel@c", "kernel@d", "kernel@e"]);
});

test("superfluous(): what nobody used for a month goes, and what a build left behind that did not end", () => {
  const entries = [
    ...[used("loader@old", 31 * DAY), used("loader@kept", 29 * DAY)],
    ...[used("kernel@x.1.partial", MINUTE), used("kernel@y.2.partial", 2 * DAY)],
  ];
  expect(superfluous(entries, "kernel", 3, NOW).sort()).toEqual(["kernel@y.2.partial", "loader@old"]);
});
