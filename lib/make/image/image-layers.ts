import { dirname, join, relative } from "node:path";
import type { Arch } from "../../tools/host/targets.ts";
import { CommandError } from "../../tools/text/errors.ts";
import type { Made, StepRunner } from "../build/build-step.ts";
import { makeDelta } from "./file-delta.ts";
import { type SystemParts, systemTree, type TreeEntry } from "./system-tree.ts";

/**
 * The layers of the container image. The one that changes least comes first: a node that upgrades only pulls and
 * unpacks those that have changed.
 */
export const LAYERS = ["kernel", "userland", "k3s", "k3os"] as const;
export type LayerName = (typeof LAYERS)[number];

/** Files of a system by name, and for each the file that it only differs from in small parts. */
export type Bases = Readonly<Record<string, Made>>;

/** An entry of the system tree with its file as an input of the build. */
type LayerEntry =
  | Extract<TreeEntry, { kind: "link" }>
  | { readonly kind: "file"; readonly path: string; readonly file: Made; readonly mode: number };

export interface Layer {
  readonly name: LayerName;
  readonly entries: readonly LayerEntry[];
}

/** The directory of the bases in the image. */
const BASES = "k3os/base";
/** The layer of each base; that of its file would change with every release. */
const LAYER_OF_BASE: Readonly<Record<string, LayerName>> = { initrd: "kernel", "k3os.squashfs": "userland" };

/**
 * The content of the layers, which is that of {@link systemTree}. A file with a base is replaced by the base, whose
 * path has no version, and by its difference from that.
 */
export async function imageLayers(
  { parts, bases, arch }: { readonly parts: SystemParts; readonly bases: Bases; readonly arch: Arch },
  make: StepRunner,
): Promise<readonly Layer[]> {
  const found: [LayerName, LayerEntry][] = [];
  const all = Object.values(parts).flatMap(({ files }) => Object.values(files));
  for (const entry of systemTree(parts)) {
    const layer = componentLayer(entry.path);
    if (entry.kind === "link") {
      found.push([layer, entry]);
      continue;
    }
    const { path, source, mode } = entry;
    const file = all.find((made) => made.path === source);
    if (file === undefined) throw new CommandError(`"${path}" is in no part of the system`);
    const name = fileName(path);
    const base = bases[name];
    if (base === undefined) {
      found.push([layer, { kind: "file", path, file, mode }]);
      continue;
    }
    const basePath = join(BASES, name);
    found.push([LAYER_OF_BASE[name] ?? layer, { kind: "file", path: basePath, file: base, mode: 0o644 }]);
    const input = { file, base, basePath: relative(dirname(path), basePath) };
    for (const [ending, part] of Object.entries(await makeDelta(input, `delta-${name}-${arch}`, make))) {
      found.push(["k3os", { kind: "file", path: `${path}${ending}`, file: part, mode: 0o644 }]);
    }
  }
  return LAYERS.flatMap((name) => {
    const entries = found.flatMap(([layer, entry]) => (layer === name ? [entry] : []));
    return entries.length === 0 ? [] : [{ name, entries }];
  });
}

/** The tree of a layer. */
export function layerTree({ entries }: Layer): TreeEntry[] {
  return entries.map((entry) => {
    if (entry.kind === "link") return entry;
    const { kind, path, file, mode } = entry;
    return { kind, path, source: file.path, mode };
  });
}

/** A component is in the layer of its name. */
function componentLayer(path: string): LayerName {
  const [, , component] = path.split("/");
  return LAYERS.find((name) => name === component) ?? "k3os";
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
