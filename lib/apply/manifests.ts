import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writtenPath } from "../config/schema/generated-files.ts";
import { isLostCopy } from "../tools/fs/lost-content.ts";
import { walk } from "../tools/fs/walk.ts";
import { inRoot, PATH } from "../tools/host/paths.ts";
import { isKeptFromK3s, SKIP_TEXT, skipFile } from "../tools/node/manifest-skip.ts";
import type { Applier, ApplyHost } from "./applier.ts";
import { putFile, readIfExists, removeFile } from "./system-files.ts";

/** The digests of the manifests at their last delivery. */
const RECORD = join(PATH.localState, "manifests.json");

type Delivered = Readonly<Record<string, string>>;

/**
 * Puts the image's manifests where users expect them, each version once: manifests that the user has edited or removed
 * since stay that way, and those that the configuration writes are skipped. The original kept no record: its files are
 * replaced, as it did itself at every boot. k3s only applies what the user has edited or written: it does so at each
 * start, and would undo changes by kubectl. `lib/operator` delivers the others, once a release.
 */
export const manifests: Applier = {
  name: "manifests",
  apply: ({ writeFiles = [] }, host) => {
    const written = new Set(writeFiles.map(({ path }) => writtenPath(path)));
    const delivered = readRecord(host);
    const now: Record<string, string> = {};
    for (const name of shippedManifests(host)) {
      if (written.has(join(PATH.manifests, name))) {
        leaveToK3s(join(PATH.manifests, name), host);
        continue;
      }
      const content = readFileSync(inRoot(host, join(PATH.shippedManifests, name)));
      const before = Object.hasOwn(delivered, name) ? delivered[name] : undefined;
      now[name] = digest(content);
      const isLost = isDamaged(name, content, host);
      if (isLost) host.log.warn(`The manifest "${name}" was damaged: it is delivered again`);
      if (now[name] !== before || isLost) {
        if (before === undefined || isLost || isAsDelivered(name, before, host)) {
          putFile(join(PATH.manifests, name), content, { mode: 0o600 }, host);
        } else {
          host.log.info(`The manifest "${name}" of this release is left out: yours was edited or removed`);
        }
      }
      const keep = isAsDelivered(name, now[name], host) ? keepFromK3s : leaveToK3s;
      keep(join(PATH.manifests, name), host);
    }
    const record = { ...delivered, ...now };
    if (Object.keys(record).length > 0)
      putFile(RECORD, `${JSON.stringify(record, undefined, 2)}\n`, {}, host);
  },
};

/** Makes k3s ignore a manifest, unless a person has done so. */
function keepFromK3s(manifest: string, host: ApplyHost): void {
  if (existsSync(inRoot(host, skipFile(manifest)))) return;
  putFile(skipFile(manifest), SKIP_TEXT, { mode: 0o600 }, host);
}

/** Lets k3s apply a manifest, unless a person wants it to be ignored. */
function leaveToK3s(manifest: string, host: ApplyHost): void {
  if (isKeptFromK3s(manifest, host)) removeFile(skipFile(manifest), host);
}

function shippedManifests(host: Pick<ApplyHost, "root">): readonly string[] {
  const root = inRoot(host, PATH.shippedManifests);
  if (!existsSync(root)) return [];
  return walk(root).flatMap(({ path, entry }) => {
    return entry.isFile() && !entry.name.endsWith(".example") ? [path] : [];
  });
}

function isAsDelivered(name: string, before: string, host: Pick<ApplyHost, "root">): boolean {
  const file = inRoot(host, join(PATH.manifests, name));
  return existsSync(file) && digest(readFileSync(file)) === before;
}

/** The result of a power cut is not an edit. */
function isDamaged(name: string, content: Uint8Array, host: Pick<ApplyHost, "root">): boolean {
  const file = inRoot(host, join(PATH.manifests, name));
  return existsSync(file) && isLostCopy(readFileSync(file), () => content);
}

/** An unreadable record counts as missing: at worst, the manifests are delivered again. */
function readRecord(host: Pick<ApplyHost, "root" | "log">): Delivered {
  const text = readIfExists(RECORD, host);
  if (text === undefined) return {};
  try {
    const record: unknown = JSON.parse(text);
    if (typeof record === "object" && record !== null) return record as Delivered;
    throw new TypeError("expected an object");
  } catch {
    host.log.warn(`"${RECORD}" is damaged: the manifests of this release are delivered again`);
    return {};
  }
}

function digest(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
