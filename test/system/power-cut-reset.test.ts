import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { BootHost } from "../../lib/boot/boot-host.ts";
import { resetData } from "../../lib/boot/initrd/reset-data.ts";
import { keepList } from "../../lib/tools/node/reset-marker.ts";
import { testHost } from "../support/host.ts";
import { everyPrefix, recordWrites } from "../support/power-cut.ts";

const KEPT = { "home/rancher/notes": "notes\n".repeat(2000), "var/lib/rancher/k3os/ssh/key": "key\n" };
const GONE = Array.from({ length: 300 }, (_, at) => `var/lib/rancher/k3s/${at % 7}/${at}`);

function put(root: string, path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function prepare(root: string): void {
  for (const [path, text] of Object.entries(KEPT)) put(root, `k3os/data/${path}`, text);
  for (const path of GONE) put(root, `k3os/data/${path}`, path.repeat(200));
  put(root, "k3os/system/factory-reset.json", keepList(Object.keys(KEPT).map((path) => `/${path}`)));
}

test.each([false, true])(
  "a power cut in a reset leaves it to be finished, and what is kept whole (restless: %p)",
  async (restless) => {
    using host = testHost();
    const reset = (root: string) => resetData(root, host as unknown as BootHost);
    const seen = new Set<string>();
    using recording = await recordWrites({ prepare, restless, until: "unmounted" }, reset);
    for (const { root } of everyPrefix(recording, { atMost: 60 })) {
      const isMarked = existsSync(join(root, "k3os/system/factory-reset.json"));
      const gone = GONE.filter((path) => !existsSync(join(root, "k3os/data", path))).length;
      // the marker may only go when everything else has
      seen.add(
        `${isMarked ? "marked" : "done"}, ${gone === 0 ? "all" : gone < GONE.length ? "some" : "none"} left`,
      );
      reset(root); // the next start
      for (const [path, text] of Object.entries(KEPT)) {
        expect(readFileSync(join(root, "k3os/data", path), "utf8")).toBe(text);
      }
      expect(GONE.filter((path) => existsSync(join(root, "k3os/data", path)))).toEqual([]);
      expect(existsSync(join(root, "k3os/system/factory-reset.json"))).toBe(false);
    }
    expect([...seen].filter((state) => state.startsWith("done"))).toEqual(["done, none left"]);
    expect(seen).toContain("marked, all left");
    if (restless) expect(seen).toContain("marked, some left");
  },
  120_000,
);
