import { expect, test } from "bun:test";
import { figures } from "../../bench/boot.ts";

test("figures() compares the first boots with each other, the later ones by their medians, and the memory", () => {
  const run = (login: number, ready: number, memory: number) => ({
    login: { time: login, processor: login / 2 },
    ready: { time: ready, processor: ready / 4 },
    memory,
  });
  const found = figures({
    ours: [run(60, 200, 9e8), run(30, 90, 8e8), run(50, 110, 7e8)],
    theirs: [run(40, 100, 8e8), run(80, 200, 8e8), run(80, 200, 8e8)],
  });
  expect(found.map(({ name, value, aim }) => [name, value, aim])).toEqual([
    ["first boot, to login", 1.5, 1],
    ["first boot, to node Ready", 2, 1],
    ["first boot, to login, processor", 1.5, 1],
    ["first boot, to node Ready, processor", 2, 1],
    ["later boots, to login", 0.5, 1],
    ["later boots, to node Ready", 0.5, 1],
    ["later boots, to login, processor", 0.5, 1],
    ["later boots, to node Ready, processor", 0.5, 1],
    ["memory of an idle server", 1, 1],
  ]);
  expect(found.at(-1)?.detail).toBe(
    "800 MB against 800 MB for a stock Debian without a boot loader, medians of 3",
  );
});
