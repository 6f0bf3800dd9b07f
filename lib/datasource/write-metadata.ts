import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeFileAtomic } from "../tools/fs/atomic.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot, PATH } from "../tools/host/paths.ts";
import { CommandError, during, messageOf } from "../tools/text/errors.ts";
import type { Metadata } from "./data-source.ts";
import { extrasOf } from "./extras.ts";

/** The list of written files, so that a later run of the same boot removes those that it does not write again. */
const MANIFEST = `${PATH.runtime}/metadata.json`;

const USERDATA = "userdata";
const KEYS = "ssh/authorized_keys";

/** Readable only by their owner: user data contains the cluster's token. */
const SECRET = 0o600;

/**
 * Writes a source's answer to /run/config, under the names of the original's metadata service, and removes files of an
 * earlier run that are no longer part of it. Each file is written completely or not at all, the user data first. Does
 * not set the host name: the configuration, which reads these files next, does that. Throws if the user data or the
 * keys cannot be written; other problems are only warnings.
 */
export async function writeMetadata(
  title: string,
  metadata: Metadata,
  host: Pick<Host, "root" | "log">,
): Promise<void> {
  await during("Writing what the data source said", () => {
    const entries = entriesOf(title, metadata, host);
    const names = new Set(entries.flatMap(namesOf));
    makeDirectory("", 0o755, host);
    const previous = readManifest(host);
    for (const name of deepestFirst(previous)) if (!names.has(name)) removeEntry(name, host);
    const written = new Set<string>();
    // the list must include all files that may exist, even after a failure
    writeManifest(new Set([...previous, ...names]), host);
    for (const entry of entries) {
      try {
        writeEntry(entry, host);
        for (const name of namesOf(entry)) written.add(name);
      } catch (error) {
        if (entry.path === USERDATA || entry.path === KEYS) throw error;
        host.log.warn(messageOf(error));
      }
    }
    writeManifest(written, host);
  });
}

/** A file, or a directory if there is no content. */
interface Entry {
  readonly path: string;
  readonly mode: number;
  readonly content: string | Uint8Array | undefined;
}

function entriesOf(title: string, metadata: Metadata, host: Pick<Host, "log">): readonly Entry[] {
  const { userdata, keys, hostname, localHostname, instanceId, facts = {} } = metadata;
  const files: Readonly<Record<string, string | Uint8Array | undefined>> = {
    [USERDATA]: userdata,
    [KEYS]: keys === undefined ? undefined : `${keys.join("\n")}\n`,
    hostname: hostname ?? localHostname,
    local_hostname: localHostname,
    instance_id: instanceId,
    ...Object.fromEntries(Object.entries(facts).filter(([name]) => /^[a-z0-9_]+$/.test(name))),
    provider: title,
  };
  const entries = new Map<string, Entry>();
  for (const [path, content] of Object.entries(files)) {
    if (content !== undefined) entries.set(path, { path, content, mode: 0o644 });
  }
  const ignored = (what: string) => host.log.warn(`user data: ${what}`);
  for (const extra of extrasOf(userdata ?? new Uint8Array(), ignored)) {
    // user data may contain user data, but no directory in its place
    if (extra.content === undefined && entries.has(extra.path))
      ignored(`"${extra.path}" cannot be a directory`);
    else entries.set(extra.path, extra);
  }
  return [...entries.values()];
}

/** The entry and its parent directories in the manifest's form: directories end in a slash. */
function namesOf({ path, content }: Entry): string[] {
  return [content === undefined ? `${path}/` : path, ...parentsOf(path).map((parent) => `${parent}/`)];
}

function parentsOf(path: string): string[] {
  const parent = dirname(path);
  return parent === "." ? [] : [parent, ...parentsOf(parent)];
}

function pathOf(path: string, host: Pick<Host, "root">): string {
  return join(inRoot(host, PATH.metadata), path);
}

function writeEntry({ path, content, mode }: Entry, host: Pick<Host, "root">): void {
  for (const parent of parentsOf(path).reverse()) makeDirectory(parent, undefined, host);
  if (content === undefined) {
    makeDirectory(path, mode, host);
    return;
  }
  const file = pathOf(path, host);
  if (lstatSync(file, { throwIfNoEntry: false })?.isDirectory()) {
    throw new CommandError(`Cannot write "${PATH.metadata}/${path}": there is a directory`);
  }
  const isSecret = path === USERDATA || path === KEYS;
  writeFileAtomic(file, content, { mode: isSecret ? SECRET : mode });
}

/** A link in the place of a directory would lead outside. */
function makeDirectory(path: string, mode: number | undefined, host: Pick<Host, "root">): void {
  const directory = pathOf(path, host);
  const found = lstatSync(directory, { throwIfNoEntry: false });
  if (found === undefined) mkdirSync(directory, { recursive: path === "", mode: 0o755 });
  else if (!found.isDirectory())
    throw new CommandError(`Expected "${PATH.metadata}/${path}" to be a directory`);
  if (mode !== undefined) chmodSync(directory, mode); // not by mkdir, whose mode is reduced by the umask
}

/** A directory with files of others stays. */
function removeEntry(name: string, host: Pick<Host, "root" | "log">): void {
  const path = name.replace(/\/$/, "");
  const entry = pathOf(path, host);
  try {
    const found = lstatSync(entry, { throwIfNoEntry: false });
    if (found === undefined) return;
    if (!found.isDirectory()) rmSync(entry);
    else if (readdirSync(entry).length === 0) rmdirSync(entry);
  } catch (error) {
    host.log.warn(`Cannot remove "${PATH.metadata}/${path}": ${messageOf(error)}`);
  }
}

/** Names of the files of the last run. */
function readManifest(host: Pick<Host, "root">): readonly string[] {
  try {
    const names: unknown = JSON.parse(readFileSync(inRoot(host, MANIFEST), "utf8"));
    return Array.isArray(names) ? names.filter((name) => typeof name === "string") : [];
  } catch {
    return []; // the first run of this boot
  }
}

function deepestFirst(names: readonly string[]): readonly string[] {
  return names.toSorted((a, b) => parentsOf(b).length - parentsOf(a).length);
}

function writeManifest(paths: ReadonlySet<string>, host: Pick<Host, "root">): void {
  const text = `${JSON.stringify([...paths])}\n`;
  writeFileAtomic(inRoot(host, MANIFEST), text, { mode: SECRET, parents: true });
}
