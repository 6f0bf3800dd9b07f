import type { Step } from "../../lib/make/build/build-step.ts";
import type { BuildContext } from "../../lib/make/build/context.ts";

/** A root file system to be made by mmdebstrap. */
export interface DebianRoot {
  /** Names it in the cache. */
  readonly name: string;
  readonly suite: string;
  readonly variant: string;
  readonly packages: readonly string[];
}

const rootStep: Step<DebianRoot> = {
  module: import.meta.filename,
  packages: () => ["mmdebstrap"],
  shared: true,
  make: async ({ suite, variant, packages }, into, { host }) => {
    await host.run([
      ...["mmdebstrap", `--variant=${variant}`, `--include=${packages.join(",")}`],
      ...['--aptopt=APT::Install-Recommends "false"', suite, into, "http://deb.debian.org/debian"],
    ]);
  },
};

/** The directory with a root file system of Debian, from the cache if it was made before. Not to be written to. */
export async function debianRoot(root: DebianRoot, { make }: Pick<BuildContext, "make">): Promise<string> {
  return (await make(rootStep, { name: root.name, input: root })).path;
}
