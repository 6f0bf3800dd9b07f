import { createHash } from "node:crypto";
import { basename } from "node:path";
import type { Host } from "../tools/host/host.ts";
import type { KubernetesApi } from "../tools/kubernetes/kubernetes-api.ts";
import { KubernetesError } from "../tools/kubernetes/kubernetes-error.ts";
import { runningVersion } from "../tools/node/running-version.ts";
import { versionOrder } from "../tools/release/version-order.ts";
import { CommandError, messageOf } from "../tools/text/errors.ts";
import { type DeliveredFile, type Delivery, readDelivery, writeDelivery } from "./delivery-record.ts";
import { addonOf, lastAppliedByK3s, withoutK3sMarks } from "./k3s-apply.ts";
import {
  collectionPath,
  type KubernetesObject,
  nameOf,
  objectPath,
  parseManifest,
  putObject,
  readObject,
} from "./kubernetes-object.ts";
import { covers, mergeObject } from "./merge-object.ts";

export type DeliveryHost = Pick<Host, "root" | "log" | "clock">;

/** A manifest of this release that nobody edited or removed on this server. */
export interface Manifest {
  /** Below the directory of the manifests. */
  readonly path: string;
  readonly text: string;
}

/** Milliseconds between two tries of an object, whose kind the API server may not serve yet. */
const PAUSE = 2_000;
const TRIES = 10;

/**
 * Brings the objects of this release into the cluster, once a release: k3s would apply its manifests at each of its
 * starts, and undo what a person changed by kubectl. What a person changed, added or removed since the last delivery
 * stays. An older release leaves all to the newest. Throws KubernetesError, or CommandError with the objects that
 * failed, which the next call tries again.
 */
export async function deliverManifests(
  manifests: readonly Manifest[],
  api: KubernetesApi,
  host: DeliveryHost,
): Promise<void> {
  const version = runningVersion(host);
  const before = await readDelivery(api);
  if (before.version !== undefined && versionOrder(version, before.version) < 0) return;
  const due = manifests.filter(({ path, text }) => before.files[path]?.digest !== digestOf(text));
  if (due.length === 0) return;
  const failures: string[] = [];
  let files: Delivery["files"] = before.files;
  for (const manifest of due) {
    const { file, failed } = await deliverFile(manifest, before.files[manifest.path], api, host);
    files = { ...files, [manifest.path]: file };
    failures.push(...failed);
  }
  await writeDelivery({ version, files, holder: before.holder }, api);
  if (failures.length > 0) throw new CommandError(`Not delivered: ${failures.join("; ")}`);
  host.log.info(`The manifests of ${version} are delivered: ${due.map(({ path }) => path).join(", ")}`);
}

/** The new record of the file; its digest is empty, so that it is due again, if an object failed. */
async function deliverFile(
  { path, text }: Manifest,
  before: DeliveredFile | undefined,
  api: KubernetesApi,
  host: DeliveryHost,
): Promise<{ readonly file: DeliveredFile; readonly failed: readonly string[] }> {
  const objects: Record<string, KubernetesObject> = { ...before?.objects };
  const failed: string[] = [];
  const attempt = async (what: string, action: () => Promise<void>) => {
    try {
      await patiently(action, host);
      return true;
    } catch (error) {
      failed.push(`${what}: ${messageOf(error)}`);
      return false;
    }
  };
  const next = new Map(parseManifest(text, path).map((object) => [objectPath(object), object]));
  for (const [key, object] of next) {
    const delivered = before?.objects[key];
    if (await attempt(nameOf(object), () => deliverObject(object, delivered, api, host)))
      objects[key] = object;
  }
  for (const [key, object] of Object.entries(before?.objects ?? {})) {
    if (next.has(key)) continue;
    if (await attempt(nameOf(object), () => withdrawObject(object, api, host))) delete objects[key];
  }
  // a delivery that failed may not have seen them
  const leftovers: KubernetesObject[] = [];
  for (const collection of (before?.digest ?? "") === "" ? collectionsOf(next) : []) {
    await attempt(collection.path, async () => {
      leftovers.push(...(await leftoversIn(collection, path, next, api)));
    });
  }
  for (const object of leftovers) {
    await attempt(nameOf(object), () => withdrawObject(lastAppliedByK3s(object) ?? object, api, host));
  }
  return { file: { digest: failed.length === 0 ? digestOf(text) : "", objects }, failed };
}

/** Where the objects of one kind are, in the API. */
interface Collection extends Pick<KubernetesObject, "apiVersion" | "kind"> {
  readonly path: string;
}

function collectionsOf(objects: ReadonlyMap<string, KubernetesObject>): readonly Collection[] {
  const collections = [...objects.values()].map((object): [string, Collection] => {
    const { apiVersion, kind } = object;
    const path = collectionPath(object);
    return [path, { path, apiVersion, kind }];
  });
  return [...new Map(collections).values()];
}

/**
 * Objects that k3s has applied from a manifest of this name, of an earlier release or of the original, and that are no
 * longer in it: among them, a binding of the original's to cluster-admin. k3s would remove them with the next manifest.
 */
async function leftoversIn(
  { path: collection, apiVersion, kind }: Collection,
  path: string,
  next: ReadonlyMap<string, KubernetesObject>,
  api: KubernetesApi,
): Promise<readonly KubernetesObject[]> {
  const [addon] = basename(path).split(".");
  const { items } = await api.request<{ readonly items: readonly KubernetesObject[] }>("GET", collection);
  const objects = items.map((item) => ({ ...item, apiVersion, kind })); // those in lists have neither
  return objects.filter((one) => addonOf(one) === addon && !next.has(objectPath(one)));
}

/** Retries: a kind is served a moment after its definition was created, and another may write the same object. */
async function patiently(action: () => Promise<void>, host: DeliveryHost): Promise<void> {
  for (let left = TRIES; ; left--) {
    try {
      return await action();
    } catch (error) {
      const kind = error instanceof KubernetesError ? error.kind : undefined;
      const passes = kind === "notFound" || kind === "conflict" || kind === "unavailable";
      if (!passes || left <= 1) throw error;
      await host.clock.sleep(PAUSE);
    }
  }
}

async function deliverObject(
  next: KubernetesObject,
  recorded: KubernetesObject | undefined,
  api: KubernetesApi,
  host: DeliveryHost,
): Promise<void> {
  const live = await readObject(objectPath(next), api);
  if (live === undefined) {
    if (recorded === undefined) await putObject(next, api);
    else host.log.info(`${nameOf(next)} was removed, and stays so`);
    return;
  }
  // a k3s of an earlier release may have applied its own manifest since
  const delivered = lastAppliedByK3s(live) ?? recorded ?? {};
  const merged = withoutK3sMarks(mergeObject(delivered, live, next) as KubernetesObject);
  if (covers(live, merged) && covers(merged, live)) return;
  await putObject(merged, api);
}

/** Removes an object that the release no longer has, unless a person changed it. */
async function withdrawObject(
  recorded: KubernetesObject,
  api: KubernetesApi,
  host: DeliveryHost,
): Promise<void> {
  const live = await readObject(objectPath(recorded), api);
  if (live === undefined) return;
  if (!covers(live, recorded)) {
    host.log.info(`${nameOf(recorded)} was changed: it stays, although this release has it no longer`);
    return;
  }
  const preconditions = { resourceVersion: live.metadata.resourceVersion };
  await api.request("DELETE", objectPath(recorded), {
    body: { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Background", preconditions },
  });
}

export function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
