import { expect, test } from "bun:test";
import type { MenuChoice } from "../../../lib/boot/mode.ts";
import { NoWayBack } from "../../../lib/boot/no-way-back.ts";
import { restartLeadsOn } from "../../../lib/boot/rescue.ts";
import type { Trial } from "../../../lib/tools/generation/trial.ts";

const COUNTED = { state: "trial", kind: "upgrade", left: 1 } as const;
const BROKEN = new Error("no root image");

test.each<
  [string, unknown, MenuChoice | undefined, Pick<Trial, "state" | "kind" | "left"> | undefined, boolean]
>([
  ["nothing is on trial", BROKEN, undefined, undefined, false],
  ["the disk that holds the record was not found", BROKEN, "trial", undefined, true],
  ["the menu has counted this start", BROKEN, "trial", { ...COUNTED, left: 2 }, true],
  ["the record has counted this start", BROKEN, undefined, COUNTED, true],
  ["the record has counted the last start", BROKEN, "trial", { ...COUNTED, left: 0 }, true],
  ["nobody has counted this start", BROKEN, undefined, { ...COUNTED, left: 2 }, false],
  ["the menu has fallen back already", BROKEN, "fallback", COUNTED, false],
  ["the previous versions were chosen", BROKEN, "previous", COUNTED, false],
  ["the links cannot be changed", new NoWayBack("read-only"), "trial", COUNTED, false],
  ["the change was found to have failed", BROKEN, undefined, { ...COUNTED, state: "failed" }, false],
  ["it is a rollback", BROKEN, undefined, { ...COUNTED, kind: "rollback" }, false],
])("a boot that fails when %s restarts only if that leads on", (_, error, choice, trial, again) => {
  expect(restartLeadsOn(error, choice, trial)).toBe(again);
});
