import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { FILE } from "../../tools/host/paths.ts";
import type { Target } from "../../tools/host/targets.ts";
import { openAptRoot, unpackPackages } from "../build/apt.ts";
import { type BuildContext, cached } from "../build/context.ts";
import { ensurePackages } from "../build/required-packages.ts";
import { BUSYBOX_APPLETS } from "./busybox.ts";
import { type CpioEntry, cpioArchive, parentDirectories } from "./cpio.ts";
import { SUITE } from "./debian-packages.ts";
import { addModules, addNetworkDrivers } from "./initrd-modules.ts";
import type { Kernel } from "./kernel.ts";
import { ownSources } from "./own-sources.ts";
import { walk } from "./walk.ts";

/** Static programs of Debian in the initrd: package → its file → where the initrd has it. */
const STATIC_PROGRAMS = [
  { package: "busybox-static", file: "usr/bin/busybox", path: "bin/busybox" },
  { package: "e2fsck-static", file: "usr/sbin/e2fsck.static", path: "sbin/e2fsck" },
] as const;

const EMPTY_DIRECTORIES = ["dev", "mnt", "proc", "run", "sys", "tmp"];

/**
 * Builds the initrd of a kernel. It is two compressed archives one after the other, which the kernel unpacks in turn:
 * programs and modules, which seldom change and are compressed hard, and our executable, compressed fast.
 */
export async function buildInitrd(
  target: Target,
  { executable, kernel }: { readonly executable: string; readonly kernel: Kernel },
  context: BuildContext,
): Promise<string> {
  const base = await buildBase(target, kernel, context);
  const inputs = [
    ...ownSources("initrd.ts", "cpio.ts"),
    { path: executable },
    base,
    context.version,
    `${context.sourceDateEpoch}`,
  ];
  const directory = await cached(
    { name: `initrd-${target.arch}`, inputs },
    async (into) => {
      const archive = cpioArchive(executableEntries(executable, context.version), context.sourceDateEpoch);
      const own = await compress(archive, join(into, "executable"), "-12", context);
      const parts = [readFileSync(join(base, "base")), own];
      writeFileSync(join(into, FILE.initrd), padded(Buffer.concat(parts)));
      rmSync(join(into, "executable"));
    },
    context,
  );
  return join(directory, FILE.initrd);
}

/** Padded with zeros to whole sectors, so that another archive can be appended: the kernel wants it aligned to 4 bytes. */
function padded(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

/** The executable where the original had it, and `/init` that leads to it. */
function executableEntries(executable: string, version: string): CpioEntry[] {
  const path = `k3os/system/k3os/${version}/${FILE.executable}`;
  return [
    ...parentDirectories([path]),
    { kind: "link", path: "k3os/system/k3os/current", target: version },
    { kind: "file", path, mode: 0o755, content: readFileSync(executable) },
    { kind: "link", path: "init", target: `/k3os/system/k3os/current/${FILE.executable}` },
  ];
}

/** Builds what does not depend on our executable. Returns the directory that holds it as the file `base`. */
async function buildBase(target: Target, kernel: Kernel, context: BuildContext): Promise<string> {
  const inputs = [
    ...ownSources("initrd.ts", "initrd-modules.ts", "busybox.ts", "cpio.ts", "squashfs.ts"),
    basename(kernel.directory),
    SUITE,
    `${context.sourceDateEpoch}`,
  ];
  return cached(
    { name: `initrd-base-${target.arch}`, inputs },
    async (into) => {
      const tree = join(into, "tree");
      await addPrograms(target, tree, context);
      await addModules(kernel, tree, context);
      await addNetworkDrivers(kernel, tree, context);
      const archive = cpioArchive(treeEntries(tree), context.sourceDateEpoch);
      await compress(archive, join(into, "base"), "-19", context);
    },
    context,
  );
}

async function addPrograms(target: Target, tree: string, { host }: BuildContext): Promise<void> {
  const packed = `${tree}.packages`;
  {
    await using apt = await openAptRoot({ suite: SUITE, arch: target.debian }, host);
    const names = STATIC_PROGRAMS.map((program) => program.package);
    await unpackPackages(await apt.download(names, { dependencies: false }), packed, host);
  }
  for (const name of EMPTY_DIRECTORIES) mkdirSync(join(tree, name), { recursive: true });
  for (const { file, path } of STATIC_PROGRAMS) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    copyFileSync(join(packed, file), join(tree, path));
  }
  for (const applet of BUSYBOX_APPLETS) symlinkSync("/bin/busybox", join(tree, applet));
  rmSync(packed, { recursive: true });
}

/** A directory tree as archive entries, sorted by path. */
function treeEntries(tree: string): CpioEntry[] {
  return walk(tree).map(({ path }) => {
    const file = join(tree, path);
    const stat = lstatSync(file);
    if (stat.isDirectory()) return { kind: "directory", path };
    if (stat.isSymbolicLink()) return { kind: "link", path, target: readlinkSync(file) };
    return { kind: "file", path, mode: stat.mode & 0o755, content: readFileSync(file) };
  });
}

/** Compresses bytes into a file by zstd at a level (`-19`), on all processors, and returns the file's content. */
async function compress(
  bytes: Uint8Array,
  file: string,
  level: string,
  { host }: Pick<BuildContext, "host">,
): Promise<Uint8Array> {
  await ensurePackages(["zstd"], host);
  const raw = `${file}.cpio`;
  writeFileSync(raw, bytes);
  await host.run(["zstd", "--quiet", "--force", "--threads=0", level, raw, "-o", file]);
  rmSync(raw);
  return readFileSync(file);
}
