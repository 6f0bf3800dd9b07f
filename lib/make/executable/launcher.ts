import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Target } from "../../tools/host/targets.ts";
import { CommandError } from "../../tools/text/errors.ts";
import { type AptRoot, openAnyAptRoot, unpackPackages } from "../build/apt.ts";
import { type BuildContext, cached } from "../build/context.ts";
import { ensurePackages } from "../build/required-packages.ts";
import { appendArchive, type Entry, type Patch, pathPatches } from "./archive.ts";
import { compilerPackage } from "./loader.ts";

/** Debian's Node.js for a target, packed for the launcher, and the launcher itself. */
export interface NodeRuntime {
  /** Path of the static launcher program. */
  readonly launcher: string;
  /** Path of the zstd frame that holds the runtime's files. */
  readonly frame: string;
  readonly entries: readonly Entry[];
  readonly patches: readonly Patch[];
}

const SOURCES = join(import.meta.dirname, "launcher");
/**
 * Debian releases whose Node.js the launcher carries: stable, else the one that is to follow it, whose lists are allowed to
 * be old, since testing is what a mirror neglects first.
 */
const releases = (arch: string) =>
  [
    { suite: "trixie", arch },
    { suite: "forky", arch, allowExpired: true },
  ] as const;
const LOADER = "ld-linux-armhf.so.3"; // launcher.c starts it by this name
const LIBNODE = /^libnode\.so/;

/** Where Debian's libnode looks for the parts of Node.js that Debian packages apart; it aborts without them. */
const EXTERNAL_PARTS = "/usr/share/nodejs/";

/** Downloads and packs Debian's Node.js and compiles the launcher: once, about two minutes. */
export async function buildNodeRuntime(target: Target, context: BuildContext): Promise<NodeRuntime> {
  const directory = await cached(
    {
      name: `node-${target.arch}`,
      inputs: [
        ...[JSON.stringify(releases(target.debian)), target.triplet],
        ...[SOURCES, join(import.meta.dirname, "environment.h"), import.meta.filename].map((path) => ({
          path,
        })),
      ],
    },
    async (into) => {
      const { host } = context;
      // the compiler's package only recommends its C library
      const libc = `libc6-dev-${target.debian}-cross`;
      await ensurePackages(["binutils", "zstd", compilerPackage("gcc", target), libc], host);
      const scratch = mkdtempSync(join(tmpdir(), "k3os-node-"));
      try {
        await using apt = await openAnyAptRoot(releases(target.debian), host);
        await compileLauncher(target, { apt, scratch, into }, context);
        await packNode(target, { apt, scratch, into }, context);
      } finally {
        rmSync(scratch, { recursive: true, force: true });
      }
    },
    context,
  );
  const index = JSON.parse(readFileSync(join(directory, "index.json"), "utf8"));
  return { ...index, launcher: join(directory, "launcher"), frame: join(directory, "runtime.zst") };
}

/** The executable: the launcher, the runtime, and the bundled program. */
export async function packExecutable(
  runtime: NodeRuntime,
  bundle: string,
  { host }: Pick<BuildContext, "host">,
): Promise<Buffer> {
  const frame = readFileSync(runtime.frame);
  const identity = createHash("sha256").update(frame).update(JSON.stringify(runtime.patches)).digest("hex");
  const program = readFileSync(bundle);
  const script = `k3os-${createHash("sha256").update(program).digest("hex").slice(0, 8)}.cjs`;
  await host.run(["zstd", "--quiet", "-19", bundle, "-o", `${bundle}.zst`]);
  return appendArchive(readFileSync(runtime.launcher), {
    frames: [frame, readFileSync(`${bundle}.zst`)],
    entries: [...runtime.entries, { name: script, size: program.length }],
    patches: runtime.patches,
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
  { triplet }: Target,
  { apt, scratch, into }: Workspace,
  { host }: Pick<BuildContext, "host">,
): Promise<void> {
  const zstd = join(scratch, "zstd");
  await unpackPackages(await apt.download(["libzstd-dev"], { dependencies: false }), zstd, host);
  await host.run([
    ...[`${triplet}-gcc`, "-static", "-Os", "-s", "-D_FILE_OFFSET_BITS=64", "-Wl,-z,noexecstack"],
    ...[`-I${import.meta.dirname}`, `-I${zstd}/usr/include`, join(SOURCES, "launcher.c")],
    ...[`${zstd}/usr/lib/${triplet}/libzstd.a`, "-o", join(into, "launcher")],
  ]);
}

async function packNode(
  { triplet }: Target,
  { apt, scratch, into }: Workspace,
  { host }: Pick<BuildContext, "host">,
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
  files.set("native.node", await compileAddon(triplet, { root, scratch }, host));
  const patches = addExternalParts(files, root);

  const entries = [...files].map(([name, content]): Entry => ({ name, size: content.length }));
  const archive = join(scratch, "runtime");
  writeFileSync(archive, Buffer.concat([...files.values()]));
  await host.run(["zstd", "--quiet", "-19", "-T2", archive, "-o", join(into, "runtime.zst")]);
  writeFileSync(join(into, "index.json"), JSON.stringify({ entries, patches }));
}

/** Paths of all shared libraries that a program needs, directly and through others. */
async function libraryClosure(
  program: string,
  directory: string,
  host: BuildContext["host"],
): Promise<string[]> {
  const found = new Set<string>();
  const queue = [program];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    const { stdout } = await host.run(["readelf", "--dynamic", file]);
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

/** glibc's loader obeys /etc/ld.so.preload of the machine (Raspberry Pi OS has one): it shall not find its name. */
function withoutPreloadFile(loader: Buffer | undefined): Buffer {
  const at = loader?.indexOf("/etc/ld.so.preload\0") ?? -1;
  if (loader === undefined || at < 0)
    throw new CommandError(`"${LOADER}" is not the loader that was expected`);
  loader[at] = 0;
  return loader;
}

async function compileAddon(
  triplet: string,
  { root, scratch }: { root: string; scratch: string },
  host: BuildContext["host"],
): Promise<Buffer> {
  const addon = join(scratch, "native.node");
  const source = join(SOURCES, "native.c");
  await host.run([
    ...[`${triplet}-gcc`, "-shared", "-fPIC", "-Os", "-s"],
    ...[`-I${root}/usr/include/node`, source, "-o", addon],
  ]);
  return readFileSync(addon);
}

/**
 * Adds the parts that libnode reads by absolute paths, under names of one digit: the path that the launcher writes
 * over the old one must not be longer.
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
