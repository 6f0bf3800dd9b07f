import { gunzipSync } from "node:zlib";
import { isFields } from "../tools/fs/record.ts";
import { decodeBase64 } from "../tools/text/base64.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";

/**
 * The marks that k3s leaves on objects of the manifests that it applies:
 * https://github.com/rancher/wrangler/blob/v3.2.2/pkg/apply/desiredset_process.go
 */
const PREFIX = "objectset.rio.cattle.io/";
const APPLIED = `${PREFIX}applied`;

/** Larger than any of our objects. */
const MOST = 4 << 20;

/** An object as k3s has applied it last; undefined if it never did, or its mark cannot be read. */
export function lastAppliedByK3s({ metadata }: KubernetesObject): KubernetesObject | undefined {
  const text = metadata.annotations?.[APPLIED];
  if (text === undefined) return undefined;
  try {
    const json = text.startsWith("{") ? text : unpack(text);
    const object: unknown = JSON.parse(json);
    return isFields(object) ? (object as KubernetesObject) : undefined;
  } catch {
    return undefined;
  }
}

function unpack(text: string): string {
  const packed = decodeBase64(text);
  if (packed === undefined) throw new TypeError("expected base64");
  return gunzipSync(packed, { maxOutputLength: MOST }).toString();
}

/**
 * The addon of k3s, named after a manifest, to which an object belongs; undefined if it is none's.
 * https://github.com/k3s-io/k3s/blob/v1.36.3%2Bk3s1/pkg/deploy/controller.go
 */
export function addonOf({ metadata: { annotations = {} } }: KubernetesObject): string | undefined {
  const isAddons = annotations[`${PREFIX}owner-gvk`] === "k3s.cattle.io/v1, Kind=Addon";
  return isAddons ? annotations[`${PREFIX}owner-name`] : undefined;
}

/** An object that k3s does not count among its own any more. */
export function withoutK3sMarks(object: KubernetesObject): KubernetesObject {
  const { labels, annotations, ...metadata } = object.metadata;
  return {
    ...object,
    metadata: { ...metadata, ...unmarked("labels", labels), ...unmarked("annotations", annotations) },
  };
}

function unmarked(
  name: string,
  map: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, unknown>> {
  if (map === undefined) return {};
  const kept = Object.entries(map).filter(([key]) => !key.startsWith(PREFIX));
  return kept.length === 0 ? {} : { [name]: Object.fromEntries(kept) };
}
