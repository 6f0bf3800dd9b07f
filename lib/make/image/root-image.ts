import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Target } from "../../tools/host/targets.ts";
import { type Made, partOf, type Step } from "../build/build-step.ts";
import type { BuildContext } from "../build/context.ts";
import type { CommandFiles } from "./command-files.ts";
import { osRelease } from "./os-release.ts";
import { buildRootBase, type RootBaseInput } from "./root-base.ts";
import { fillSlots, type Slot, slotsFor } from "./slots.ts";

const SQUASHFS = "k3os.squashfs";

interface RootImageInput {
  readonly base: Made;
  /** Texts for the slots of the base, by their paths. */
  readonly texts: Readonly<Record<string, string>>;
  readonly slots: readonly Slot[];
}

const rootImageStep: Step<RootImageInput> = {
  module: import.meta.filename,
  make: async ({ base, texts, slots }, into) => {
    const image = readFileSync(base.path);
    fillSlots(image, texts, slots);
    writeFileSync(join(into, SQUASHFS), image);
  },
};

/** The image, and the base that it only differs from in texts. */
export interface RootImage {
  readonly squashfs: Made;
  readonly base: Made;
}

/**
 * Builds k3os.squashfs, the /usr of the running system. Its compression takes half a minute, so texts that change with
 * each version or help text are not compressed, and are written into a cached base.
 */
export async function buildRootImage(
  { arch, boards }: Pick<Target, "arch" | "boards">,
  {
    root,
    services,
    commandFiles,
  }: Pick<RootBaseInput, "root" | "services"> & { readonly commandFiles: CommandFiles },
  context: Pick<BuildContext, "make" | "version" | "sourceDateEpoch">,
): Promise<RootImage> {
  const { make, version, sourceDateEpoch } = context;
  const { files, links } = commandFiles;
  const texts = { ...files, "lib/os-release": osRelease(version, arch) };
  const slots = slotsFor(texts, version);
  const base = await buildRootBase({ arch, boards, root, services, links, slots, sourceDateEpoch }, context);
  const made = await make(rootImageStep, { name: `root-image-${arch}`, input: { base, texts, slots } });
  return { squashfs: partOf(made, SQUASHFS), base };
}
