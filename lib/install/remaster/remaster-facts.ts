import { globSync, lstatSync, readlinkSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { checkConfig, fetchConfig } from "../../config/read/accept-configuration.ts";
import { readSuperblock } from "../../tools/disk/superblock.ts";
import { parseChecksums, sha256File } from "../../tools/fs/checksums.ts";
import { readIfThere, readTextBounded } from "../../tools/fs/read-bounded.ts";
import { freeBytes } from "../../tools/fs/size.ts";
import { walk } from "../../tools/fs/walk.ts";
import { cmd } from "../../tools/host/cmd.ts";
import type { Host } from "../../tools/host/host.ts";
import { IMAGES, IMAGES_LIST, type ImageSet, imageSet } from "../../tools/images/image-set.ts";
import { MAX_LIST } from "../../tools/release/release-list.ts";
import { CommandError, during } from "../../tools/text/errors.ts";
import { CONFIG, checkLink } from "../medium.ts";
import { hasProgram, missingMessage } from "../programs.ts";

export const MENU = "boot/grub/grub.cfg";
/** The directory of image archives on a medium, and their list. */
export const MEDIUM_IMAGES = `k3os/system/${IMAGES}`;
export const MEDIUM_LIST = `${MEDIUM_IMAGES}/${IMAGES_LIST}`;

/** An entry of a directory to add; `path` is relative to it. */
export interface AddedEntry {
  readonly path: string;
  readonly kind: "file" | "directory" | "link";
  /** Bytes of a file. */
  readonly size: number;
}

export interface RemasterFacts {
  /** Bytes of the ISO. */
  readonly size: number;
  /** All its paths, without a leading slash. */
  readonly paths: readonly string[];
  /** Its boot menu, or the replacement. */
  readonly menu: string;
  readonly config: Buffer | undefined;
  readonly images: ImageSet;
  /** The list of the image archives that the medium has already; empty: none. */
  readonly imagesList: string;
  /** Directories before their content. */
  readonly added: readonly AddedEntry[];
  /** Bytes that can be written to the file system of the result. */
  readonly free: number;
}

export interface RemasterSources {
  readonly input: string;
  readonly output: string;
  /** A path or URL. */
  readonly config: string | undefined;
  readonly add: string | undefined;
  /** Paths of archives of container images. */
  readonly images: readonly string[];
}

export type RemasterHost = Pick<Host, "run" | "log" | "clock" | "env" | "progress" | "print">;

/**
 * Gathers all facts that decide whether a medium can be remastered; `scratch` is an empty directory for it.
 * Throws CommandError if the ISO or an addition cannot be used.
 */
export async function remasterFacts(
  { input, output, config, add, images }: RemasterSources,
  scratch: string,
  host: RemasterHost,
): Promise<RemasterFacts> {
  if (!hasProgram("xorriso", host.env)) {
    throw new CommandError(missingMessage("Missing program", ["xorriso"], host.env));
  }
  const size = checkInput(input);
  checkOutput(input, output);
  await compareChecksum(input);
  const added = add === undefined ? [] : entriesBelow(add);
  const archives = await imageSet(images);
  const { paths, files } = await readIso(input, { scratch, wanted: [MENU, MEDIUM_LIST] }, host);
  const replaced = (path: string) => {
    return add === undefined ? undefined : readIfThere(join(add, path));
  };
  const addedConfig = replaced(CONFIG);
  if (addedConfig !== undefined) checkConfig(addedConfig, join(add ?? "", CONFIG), host);
  return {
    size,
    paths,
    menu: replaced(MENU)?.toString() ?? files[MENU] ?? "",
    images: archives,
    imagesList: files[MEDIUM_LIST] ?? "",
    config: config === undefined ? undefined : await fetchConfig(config, host),
    added,
    free: freeBytes(dirname(output)),
  };
}

function checkInput(input: string): number {
  const found = statSync(input, { throwIfNoEntry: false });
  if (found === undefined) throw new CommandError(`File not found: "${input}"`);
  if (!found.isFile() || readSuperblock(input)?.type !== "iso9660") {
    throw new CommandError(`"${input}" is not an ISO image`);
  }
  return found.size;
}

function checkOutput(input: string, output: string): void {
  const directory = statSync(dirname(output), { throwIfNoEntry: false });
  if (!directory?.isDirectory()) throw new CommandError(`Directory not found: "${dirname(output)}"`);
  const found = statSync(output, { throwIfNoEntry: false });
  if (found === undefined) return;
  const original = statSync(input);
  if (found.dev === original.dev && found.ino === original.ino) {
    throw new CommandError(`"${output}" is the medium to be remastered: expected another file`);
  }
  if (!found.isFile()) {
    throw new CommandError(`"${output}" is not a file`, {
      hint: "write the ISO to a file, and that to the device with dd",
    });
  }
}

/** Compares a medium with its release's list beside it, so that a broken download is refused. */
async function compareChecksum(input: string): Promise<void> {
  for (const name of globSync("sha256sum-*.txt", { cwd: dirname(input) })) {
    const list = join(dirname(input), name);
    const read = () => parseChecksums(readTextBounded(list, { maxBytes: MAX_LIST }));
    const wanted = (await during(`Reading "${list}"`, read)).get(basename(input));
    if (wanted === undefined || wanted === (await sha256File(input))) continue;
    throw new CommandError(
      `"${input}" does not match its checksum in "${name}": it has changed, or its download is damaged`,
    );
  }
}

/** The entries to add. A link is added as a link: its target is not read. Throws CommandError. */
export function entriesBelow(root: string): AddedEntry[] {
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
    throw new CommandError(`Directory not found: "${root}"`);
  }
  return walk(root).map(({ path, entry }) => {
    if (entry.isDirectory()) return { path, kind: "directory", size: 0 };
    if (entry.isFile()) return { path, kind: "file", size: lstatSync(join(root, path)).size };
    if (!entry.isSymbolicLink()) {
      throw new CommandError(`"${join(root, path)}" is neither file, directory nor link`);
    }
    checkLink(path, readlinkSync(join(root, path)));
    return { path, kind: "link", size: 0 };
  });
}

/** The call of xorriso: without user configuration, printing failures only, and ending at the first one. */
export const XORRISO = [
  ...["xorriso", "-no_rc", "-report_about", "SORRY", "-abort_on", "FAILURE", "-return_with", "SORRY", "32"],
];

/** Lists an ISO and reads those of its files that are wanted and there, as text by path. */
async function readIso(
  input: string,
  { scratch, wanted }: { readonly scratch: string; readonly wanted: readonly string[] },
  host: Pick<Host, "run">,
): Promise<{ readonly paths: readonly string[]; readonly files: Readonly<Record<string, string>> }> {
  const list = cmd`${XORRISO} -indev stdio:${input} -find /`;
  const paths = isoPaths((await host.run(list)).stdout);
  const files: Record<string, string> = {};
  for (const [at, path] of wanted.entries()) {
    if (!paths.includes(path)) continue;
    const copy = join(scratch, `original-${at}`);
    const extract = ["-osirrox", "on", "-indev", `stdio:${input}`, "-extract", `/${path}`, copy];
    await host.run(cmd`${XORRISO} ${extract}`);
    files[path] = readTextBounded(copy);
  }
  return { paths, files };
}

/** The paths printed by `xorriso -find`: one per line, quoted for a shell. */
export function isoPaths(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const [, quoted] = /^'\/(.+)'$/.exec(line.trim()) ?? [];
    return quoted === undefined ? [] : [quoted.replaceAll(`'"'"'`, "'")];
  });
}
