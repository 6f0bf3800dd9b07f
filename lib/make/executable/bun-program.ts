import { renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scratchDirectory } from "../../tools/fs/scratch-directory.ts";
import { cmd } from "../../tools/host/cmd.ts";
import { CommandError } from "../../tools/text/errors.ts";
import { type Made, partOf, type Step } from "../build/build-step.ts";
import type { BuildContext } from "../build/context.ts";
import { readLockedPackages } from "../build/locked-packages.ts";

interface LockedBun {
  readonly package: string;
  readonly version: string;
  readonly integrity: string;
}

const bunStep: Step<LockedBun> = {
  module: import.meta.filename,
  packages: () => ["tar"],
  programs: ["npm"],
  shared: true,
  make: async ({ package: name, version, integrity }, into, { host }) => {
    using directory = scratchDirectory(tmpdir(), "k3os-bun-");
    const scratch = directory.path;
    const spec = `${name}@${version}`;
    const pack = cmd`npm pack --silent --json --pack-destination=${scratch} ${spec}`;
    const { stdout } = await host.run(pack, { cwd: scratch });
    const [packed] = JSON.parse(stdout) as [{ filename: string; integrity: string }];
    if (packed.integrity !== integrity) {
      throw new CommandError(`${spec} has integrity "${packed.integrity}", expected "${integrity}"`);
    }
    const archive = join(scratch, packed.filename);
    await host.run(cmd`tar --extract --file=${archive} --directory=${scratch}`);
    renameSync(join(scratch, "package/bin/bun"), join(into, "bun"));
  },
};

/** Bun's own program for a target from the npm registry, at the version of our `bun` dependency. */
export async function bunFor(
  packageName: string,
  { make, project }: Pick<BuildContext, "make" | "project">,
): Promise<Made> {
  const { version, integrity } = readLockedPackages(project)[`node_modules/${packageName}`] ?? {};
  if (version === undefined || integrity === undefined)
    throw new CommandError(`Package "${packageName}" is not in package-lock.json`);
  const input = { package: packageName, version, integrity };
  return partOf(await make(bunStep, { name: packageName.replace("@oven/", ""), input }), "bun");
}
