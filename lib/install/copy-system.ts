import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { chmod, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { writeFileAtomic } from "../tools/fs/atomic.ts";
import { type CopyWatch, copyContent, watchCopies } from "../tools/fs/copy-content.ts";
import { replaceLink } from "../tools/fs/links.ts";
import type { Host } from "../tools/host/host.ts";
import { PATH } from "../tools/host/paths.ts";
import { IMAGES, surplusImages } from "../tools/images/image-set.ts";
import { showProgress } from "../tools/terminal/progress.ts";
import { CommandError } from "../tools/text/errors.ts";
import type { InstallPlan } from "./install-plan.ts";
import type { Medium, MediumEntry } from "./medium.ts";

/**
 * Writes everything of a plan below `root`, except the medium's links: {@link linkMedium} makes them when all else is
 * on the disk. Throws as {@link copyMedium} does.
 */
export async function copySystem(
  plan: Pick<InstallPlan, "medium" | "directories" | "files">,
  root: string,
  signal: AbortSignal,
  host: Pick<Host, "progress">,
): Promise<void> {
  await copyMedium(plan.medium, root, signal, host);
  for (const directory of plan.directories) mkdirSync(join(root, directory), { recursive: true });
  keepOldConfig(plan, root);
  for (const { path, content, mode } of plan.files) {
    writeFileAtomic(join(root, path), content, { mode, parents: true });
  }
  if (plan.medium.images.names.length > 0) removeOldImages(join(root, PATH.system));
}

/** Image archives of an earlier installation that this medium does not have; those of the user are elsewhere. */
function removeOldImages(system: string): void {
  for (const name of surplusImages(system)) rmSync(join(system, IMAGES, name), { recursive: true });
}

/** Keeps a replaced configuration beside the new one. */
function keepOldConfig({ files }: Pick<InstallPlan, "files">, root: string): void {
  const path = join(root, PATH.systemConfig);
  const config = files.find((file) => file.path === PATH.systemConfig);
  if (config === undefined || !existsSync(path)) return;
  if (!readFileSync(path).equals(Buffer.from(config.content))) renameSync(path, `${path}.old`);
}

/**
 * Copies a medium's tree below `root`. Each file appears completely, and replaces a file of the same name; {@link
 * linkMedium} makes the links last. Throws CommandError if a copy differs from its source in size, and the reason of
 * `signal` when it aborts.
 */
export async function copyMedium(
  medium: Medium,
  root: string,
  signal: AbortSignal,
  host: Pick<Host, "progress">,
): Promise<void> {
  using progress = showProgress("Copying", medium.size, host);
  const watch = watchCopies(progress, signal);
  for (const entry of medium.entries) {
    signal.throwIfAborted();
    if (entry.kind === "directory") makeDirectory(join(root, entry.path), entry.mode);
    if (entry.kind === "file") await copyEntry(medium.root, root, entry, watch);
  }
  progress.finish();
}

/** Makes the links of a medium's tree, each by a rename: an existing one is replaced in one step. */
export function linkMedium(medium: Medium, root: string): void {
  for (const entry of medium.entries) {
    if (entry.kind === "link") putLink(join(root, entry.path), entry.target);
  }
}

function makeDirectory(path: string, mode: number): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) return;
  if (found !== undefined) rmSync(path); // a file or link in the place of a new directory
  mkdirSync(path, { mode: mode | 0o700, recursive: true }); // ISO 9660 shows all modes as read-only
}

async function copyEntry(
  from: string,
  to: string,
  { path, size, mode }: Extract<MediumEntry, { kind: "file" }>,
  watch: CopyWatch,
): Promise<void> {
  const target = join(to, path);
  const temporary = temporaryName(target);
  try {
    await copyContent(join(from, path), temporary, watch);
    await chmod(temporary, mode | 0o600);
    const copied = (await stat(temporary)).size;
    if (copied !== size) throw new CommandError(`the copy has ${copied} bytes, the original ${size}`);
    if (lstatSync(target, { throwIfNoEntry: false })?.isDirectory()) await rm(target, { recursive: true });
    await rename(temporary, target);
  } catch (cause) {
    await rm(temporary, { force: true });
    watch.signal.throwIfAborted();
    throw new CommandError(`Cannot copy "${path}"`, { cause });
  }
}

function putLink(path: string, target: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) rmSync(path, { recursive: true });
  replaceLink(path, target);
}

/**
 * The same name in every run: the next run replaces the leftovers of an interrupted one; there is only one installation
 * at a time.
 */
function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.partial`);
}
