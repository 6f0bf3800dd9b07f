import { expect, test } from "bun:test";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../../lib/tools/fs/atomic.ts";
import { MIB } from "../../lib/tools/fs/size.ts";
import { everyPrefix, type RecordOptions, readAsGrub, recordWrites } from "../support/power-cut.ts";

const CONTENT = "whole\n".repeat(10_000);

/** What power cuts during some work leave of `/new`, each state once, in order; and how GRUB sees it. */
async function statesOf(work: (root: string) => void, options: RecordOptions = {}) {
  const [booted, grub] = [new Set<string>(), new Set<string>()];
  const state = (content: Buffer | undefined) =>
    content === undefined ? "none" : content.equals(Buffer.from(CONTENT)) ? "whole" : "broken";
  using recording = await recordWrites({ size: 16 * MIB, ...options }, work);
  for (const { root, image } of everyPrefix(recording)) {
    const path = join(root, "new");
    booted.add(state(existsSync(path) ? readFileSync(path) : undefined));
    grub.add(state(readAsGrub(image, "/new")));
  }
  return { booted: [...booted], grub: [...grub] };
}

test("everyPrefix() shows that a file is broken that was renamed before it was flushed", async () => {
  const work = (root: string) => {
    writeFileSync(join(root, ".new"), CONTENT);
    renameSync(join(root, ".new"), join(root, "new"));
  };
  expect((await statesOf(work)).booted).toEqual(["none"]);
  // by then the kernel has committed the journal, but has not written data yet
  expect((await statesOf(work, { until: 8000 })).booted).toEqual(["none", "broken"]);
  expect((await statesOf(work, { restless: true })).booted).toEqual(["none", "broken"]);
});

test("everyPrefix() shows that writeFileAtomic() makes a file whole or not at all, but not in the eyes of GRUB", async () => {
  const work = (root: string) => void writeFileAtomic(join(root, "new"), CONTENT);
  expect(await statesOf(work)).toEqual({ booted: ["none", "whole"], grub: ["none"] });
  const broken = { booted: ["none", "whole"], grub: ["none", "broken", "whole"] };
  expect(await statesOf(work, { until: "unmounted" })).toEqual(broken);
});
