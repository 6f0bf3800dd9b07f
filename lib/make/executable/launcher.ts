import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { scratchDirectory } from "../../tools/fs/scratch-directory.ts";
import { cmd } from "../../tools/host/cmd.ts";
import type { Target } from "../../tools/host/targets.ts";
import { CommandError } from "../../tools/text/errors.ts";
import { APT_PACKAGES, APT_VARIABLES, type AptRoot, openAnyAptRoot, unpackPackages } from "../build/apt.ts";
import type { Made, Step, StepContext } from "../build/build-step.ts";
import type { BuildContext } from "../build/context.ts";
import { appendArchive, type Entry, type Patch, pathPatches } from "./archive.ts";
import { compilerPackage } from "./compiler.ts";

/** The files in the directory of a runtime, besides `launcher`, a static program, and `runtime.zst`. */
interface NodeRuntime {
  readonly entries: readonly Entry[];
  readonly patches: readonly Patch[];
}

const SOURCES = "lib/make/executable/launcher";
const ENVIRONMENT = "lib/make/executable/environment.h";
/**
 * Debian releases whose Node.js the launcher contains: stable, else the next one, whose lists may be expired, since
 * mirrors neglect testing first.
 */
const releases = (arch: string) =>
  [
    { suite: "trixie", arch },
    { suite: "forky", arch, allowExpired: true },
  ] as const;
const LOADER = "ld-linux-armhf.so.3"; // launcher.c runs it by this name
const LIBNODE = /^libnode\.so/;

/** The directory of the Node.js parts that Debian packages separately; libnode aborts without them. */
const EXTERNAL_PARTS = "/usr/share/nodejs/";

type NodeInput = Pick<Target, "debian" | "triplet">;

const nodeStep: Step<NodeInput> = {
  module: import.meta.filename,
  files: [SOURCES, ENVIRONMENT],
  packages: (target) => [
    ...[...APT_PACKAGES, "binutils", "zstd", compilerPackage("gcc", target)],
    // the compiler's package only recommends its C library
    `libc6-dev-${target.debian}-cross`,
  ],
  variables: APT_VARIABLES,
  shared: true,
  make: async (target, into, context) => {
    using directory = scratchDirectory(tmpdir(), "k3os-node-");
    const scratch = directory.path;
    await using apt = await openAnyAptRoot(releases(target.debian), context.host);
    await compileLauncher(target, { apt, scratch, into }, context);
    await packNode(target, { apt, scratch, into }, context);
  },
};

/** Downloads and packs Debian's Node.js for a target and compiles the launcher: only once, about two minutes. */
export function buildNodeRuntime(
  { arch, debian, triplet }: Target,
  { make }: Pick<BuildContext, "make">,
): Promise<Made> {
  return make(nodeStep, { name: `node-${arch}`, input: { debian, triplet } });
}

/** The executable: the launcher and the runtime of a directory, and the bundled program. */
export async function packExecutable(
  runtime: string,
  bundle: string,
  { host }: Pick<StepContext, "host">,
): Promise<Buffer> {
  const { entries, patches } = JSON.parse(readFileSync(join(runtime, "index.json"), "utf8")) as NodeRuntime;
  const frame = readFileSync(join(runtime, "runtime.zst"));
  const identity = createHash("sha256").update(frame).update(JSON.stringify(patches)).digest("hex");
  const program = readFileSync(bundle);
  const script = `k3os-${createHash("sha256").update(program).digest("hex").slice(0, 8)}.cjs`;
  await host.run(cmd`zstd --quiet -19 ${bundle} -o ${bundle}.zst`);
  return appendArchive(readFileSync(join(runtime, "launcher")), {
    frames: [frame, readFileSync(`${bundle}.zst`)],
    entries: [...entries, { name: script, size: program.length }],
    patches,
    runtime: identity.slice(0, 8),
    script,
  });
}

interface Workspace {
  readonly apt: AptRoot;
  readonly scratch: string;
  readonly into: string;
}

async function compileLauncher(
  { triplet }: NodeInput,
  { apt, scratch, into }: Workspace,
  { host, source }: StepContext,
): Promise<void> {
  const zstd = join(scratch, "zstd");
  await unpackPackages(await apt.download(["libzstd-dev"], { dependencies: false }), zstd, host);
  await host.run(cmd`
    ${triplet}-gcc -static -Os -s -D_FILE_OFFSET_BITS=64 -Wl,-z,noexecstack
      -I${dirname(source(ENVIRONMENT))} -I${zstd}/usr/include ${source(`${SOURCES}/launcher.c`)}
      ${zstd}/usr/lib/${triplet}/libzstd.a -o ${join(into, "launcher")}
  `);
}

async function packNode(
  { triplet }: NodeInput,
  { apt, scratch, into }: Workspace,
  { host, source }: StepContext,
): Promise<void> {
  const root = join(scratch, "root");
  await unpackPackages(await apt.download(["nodejs"]), root, host);
  await unpackPackages(await apt.download(["libnode-dev"], { dependencies: false }), root, host);
  const files = new Map<string, Buffer>([["node", readFileSync(join(root, "usr/bin/node"))]]);
  for (const library of await libraryClosure(
    join(root, "usr/bin/node"),
    join(root, "usr/lib", triplet),
    host,
  )) {
    files.set(basename(library), readFileSync(realpathSync(library)));
  }
  files.set(LOADER, withoutPreloadFile(files.get(LOADER)));
  files.set(
    "native.node",
    await compileAddon(triplet, { root, scratch, source: source(`${SOURCES}/native.c`) }, host),
  );
  const patches = addExternalParts(files, root);

  const entries = [...files].map(([name, content]): Entry => ({ name, size: content.length }));
  const archive = join(scratch, "runtime");
  writeFileSync(archive, Buffer.concat([...files.values()]));
  await host.run(cmd`zstd --quiet -19 -T2 ${archive} -o ${join(into, "runtime.zst")}`);
  writeFileSync(join(into, "index.json"), JSON.stringify({ entries, patches }));
}

/** Paths of all shared libraries that a program needs, directly and indirectly. */
async function libraryClosure(
  program: string,
  directory: string,
  host: StepContext["host"],
): Promise<string[]> {
  const found = new Set<string>();
  const queue = [program];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    const { stdout } = await host.run(cmd`readelf --dynamic ${file}`);
    for (const [, name = ""] of stdout.matchAll(/\(NEEDED\).*\[(.+)\]/g)) {
      const path = join(directory, name);
      if (!existsSync(path))
        throw new CommandError(`Library "${name}" of "${file}" is in none of the packages`);
      if (!found.has(path)) queue.push(path);
      found.add(path);
    }
  }
  return [...found].sort();
}

/** glibc's loader reads /etc/ld.so.preload of the machine (Raspberry Pi OS has one): this removes the name. */
function withoutPreloadFile(loader: Buffer | undefined): Buffer {
  const at = loader?.indexOf("/etc/ld.so.preload\0") ?? -1;
  if (loader === undefined || at < 0)
    throw new CommandError(`"${LOADER}" is not the loader that was expected`);
  loader[at] = 0;
  return loader;
}

async function compileAddon(
  triplet: string,
  { root, scratch, source }: { root: string; scratch: string; source: string },
  host: StepContext["host"],
): Promise<Buffer> {
  const addon = join(scratch, "native.node");
  await host.run(cmd`${triplet}-gcc -shared -fPIC -Os -s -I${root}/usr/include/node ${source} -o ${addon}`);
  return readFileSync(addon);
}

/**
 * Adds the parts that libnode reads by absolute paths, under names of one digit: the path that the launcher writes over
 * the old one must not be longer.
 */
function addExternalParts(files: Map<string, Buffer>, root: string): Patch[] {
  const names = [...files.keys()];
  const entry = names.findIndex((name) => LIBNODE.test(name));
  const libnode = files.get(names[entry] ?? "");
  if (libnode === undefined) throw new CommandError("Debian's nodejs has no libnode");
  const parts = new Map<string, string>();
  const patches = pathPatches(libnode, {
    entry,
    prefix: EXTERNAL_PARTS,
    nameOf: (path) => {
      const name = parts.get(path) ?? String(parts.size);
      parts.set(path, name);
      files.set(name, readFileSync(join(root, path)));
      return name;
    },
  });
  if (parts.size === 0) throw new CommandError(`Expected libnode to name files below ${EXTERNAL_PARTS}`);
  return patches;
}
