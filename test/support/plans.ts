import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { PROJECT } from "./sources.ts";

/** The manifests that the image brings, below the overlay. */
export const MANIFESTS = join(PROJECT, "overlay/usr/share/rancher/k3s/server/manifests");

/**
 * The fields of a Plan's spec that the pinned controller knows
 * (https://github.com/rancher/system-upgrade-controller/blob/v0.20.1/doc/plan.md).
 */
export const PLAN_FIELDS: readonly string[] = [
  ...["channel", "concurrency", "cordon", "drain", "exclusive", "imagePullSecrets", "jobActiveDeadlineSecs"],
  ...["nodeSelector", "postCompleteDelay", "postCompleteLabels", "prepare", "priorityClassName", "secrets"],
  ...["serviceAccountName", "tolerations", "upgrade", "version", "window"],
];

/** An object of Kubernetes, as a manifest describes it. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  // biome-ignore lint/suspicious/noExplicitAny: tests look into objects of many kinds
  readonly [field: string]: any;
}

/** A term of a label selector. */
export interface Requirement {
  readonly key: string;
  readonly operator: "Exists" | "DoesNotExist" | "In" | "NotIn";
  readonly values?: readonly string[];
}

/** All objects of a text. Throws for what is not YAML, has a key twice, or is no object of Kubernetes. */
export function objectsOf(text: string): KubernetesObject[] {
  return parseAllDocuments(text, { uniqueKeys: true, strict: true }).flatMap((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0];
    const object = document.toJS() as KubernetesObject | null;
    if (object === null) return [];
    if (!object.apiVersion || !object.kind || !object.metadata?.name) {
      throw new Error(`No object of Kubernetes: ${JSON.stringify(object)}`);
    }
    return [object];
  });
}

/** All objects of a manifest that the image brings. */
export function shippedObjects(path: string): KubernetesObject[] {
  return objectsOf(readFileSync(join(MANIFESTS, path), "utf8"));
}

/** Paths of all manifests that the image brings. */
export function shippedManifests(): string[] {
  return readdirSync(MANIFESTS, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".yaml"))
    .sort();
}

/** Whether a node with these labels is one that a Plan's selector means. */
export function selects(
  selector: { readonly matchExpressions: readonly Requirement[]; readonly matchLabels?: Labels },
  labels: Labels,
): boolean {
  const wanted = Object.entries(selector.matchLabels ?? {});
  if (wanted.some(([key, value]) => labels[key] !== value)) return false;
  return selector.matchExpressions.every(({ key, operator, values = [] }) => {
    const value = labels[key];
    switch (operator) {
      case "Exists":
        return value !== undefined;
      case "DoesNotExist":
        return value === undefined;
      case "In":
        return value !== undefined && values.includes(value);
      case "NotIn":
        return value === undefined || !values.includes(value);
      default:
        throw new Error(`Unknown operator "${operator}"`);
    }
  });
}

export type Labels = Readonly<Record<string, string>>;
