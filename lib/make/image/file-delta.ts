import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DELTA, type Delta } from "../../tools/generation/delta.ts";
import { type Made, partOf, type Step, type StepRunner } from "../build/build-step.ts";

/** Bytes that are compared at once, and the unit of the ranges. */
const BLOCK = 4096;

interface DeltaInput {
  readonly file: Made;
  readonly base: Made;
  /** The path of the base in the image, relative to that of the file's directory. */
  readonly basePath: string;
}

/** The names of both results. */
const NAMES = { record: "file.delta", data: "file.delta-data" } as const;

const deltaStep: Step<DeltaInput> = {
  module: import.meta.filename,
  make: async ({ file, base, basePath }, into) => {
    const [content, original] = [readFileSync(file.path), readFileSync(base.path)];
    const changes = changedRanges(content, original);
    const delta: Delta = {
      base: basePath,
      size: content.length,
      sha256: createHash("sha256").update(content).digest("hex"),
      changes,
    };
    writeFileSync(join(into, NAMES.record), `${JSON.stringify(delta)}\n`);
    const data = changes.map(([offset, length]) => content.subarray(offset, offset + length));
    writeFileSync(join(into, NAMES.data), Buffer.concat(data));
  },
};

/** The difference of a file from its base: by the endings of {@link DELTA}, the files that describe it. */
export async function makeDelta(
  input: DeltaInput,
  name: string,
  make: StepRunner,
): Promise<Readonly<Record<string, Made>>> {
  const made = await make(deltaStep, { name, input });
  return { [DELTA.record]: partOf(made, NAMES.record), [DELTA.data]: partOf(made, NAMES.data) };
}

/** The ranges of `content` that differ from `base`, in whole blocks; what is behind the end of the base differs. */
export function changedRanges(content: Buffer, base: Buffer): [offset: number, length: number][] {
  const ranges: [number, number][] = [];
  for (let offset = 0; offset < content.length; offset += BLOCK) {
    const end = Math.min(offset + BLOCK, content.length);
    if (end <= base.length && content.compare(base, offset, end, offset, end) === 0) continue;
    const last = ranges.at(-1);
    if (last !== undefined && last[0] + last[1] === offset) last[1] = end - last[0];
    else ranges.push([offset, end - offset]);
  }
  return ranges;
}
