import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { linkedVersion } from "../../lib/tools/generation/generation-links.ts";
import { COMPONENTS, type Component } from "../../lib/tools/host/paths.ts";
import { k3sProgram } from "./k3s-program.ts";

/** The files that make up a version of each component. */
const FILES: Readonly<Record<Component, readonly string[]>> = {
  k3os: ["k3os", "k3os.squashfs"],
  k3s: ["k3s"],
  kernel: ["kernel.squashfs", "initrd"],
};

/** What a file of a version holds. */
export function contentOf(name: string, version: string): string {
  return `${name} ${version}\n`.repeat(2000);
}

/** {@link contentOf}, behind a program that prints the version if it is k3s. */
export function bytesOf(name: string, version: string): Buffer<ArrayBuffer> {
  const text = Buffer.from(contentOf(name, version));
  return name === "k3s" ? Buffer.concat([k3sProgram(version), text]) : text;
}

/** Makes a version of a component in a system directory; its files hold their own names and versions. */
export function addVersion(system: string, component: Component, version: string): void {
  const directory = join(system, component, version);
  mkdirSync(directory, { recursive: true });
  for (const name of FILES[component]) {
    writeFileSync(join(directory, name), bytesOf(name, version), {
      mode: name === component ? 0o755 : 0o644,
    });
  }
}

/** Makes a system directory below `root` with these versions, the first of each current, the second previous. */
export function makeSystem(
  root: string,
  versions: Readonly<Partial<Record<Component, readonly string[]>>>,
): string {
  const system = join(root, "k3os/system");
  for (const component of COMPONENTS) {
    const [current, previous, ...others] = versions[component] ?? [];
    for (const version of [current, previous, ...others]) {
      if (version !== undefined) addVersion(system, component, version);
    }
    if (current !== undefined) symlinkSync(current, join(system, component, "current"));
    if (previous !== undefined) symlinkSync(previous, join(system, component, "previous"));
  }
  return system;
}

/** `k3os v2<v1, kernel 6.2<-`: current and previous of each component, for assertions. */
export function linksOf(system: string): string {
  return COMPONENTS.flatMap((component) => {
    const [current, previous] = (["current", "previous"] as const).map((name) =>
      linkedVersion(system, component, name),
    );
    return current === undefined && previous === undefined
      ? []
      : [`${component} ${current ?? "-"}<${previous ?? "-"}`];
  }).join(", ");
}
