import { expect, test } from "bun:test";
import { CHANGE_WORDS, settings } from "../../../../lib/config/schema/changes.ts";
import { settingNames } from "../../../../lib/config/write/explain-settings.ts";

test("settings() has every setting, each with what its change needs", () => {
  expect(settings().size).toBe(settingNames().length);
  const used = new Set([...settings().values()].map(({ change }) => change));
  expect([...used].toSorted()).toEqual(Object.keys(CHANGE_WORDS).toSorted() as never);
});

test("a setting is live or restarts k3s only if the running system applies it", () => {
  for (const { path, field, change } of settings().values()) {
    const isApplied = field.phases?.includes("runtime") ?? false;
    if (change === "live" || change === "k3s") expect([path, isApplied]).toEqual([path, true]);
    expect([path, field.phases?.includes("install") ?? change === "install"]).toEqual([
      path,
      change === "install",
    ]);
  }
});
