import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sha256File } from "../../tools/fs/checksums.ts";
import { scratchDirectory } from "../../tools/fs/scratch-directory.ts";
import { cmd } from "../../tools/host/cmd.ts";
import type { Host } from "../../tools/host/host.ts";
import type { Target } from "../../tools/host/targets.ts";
import { CommandError } from "../../tools/text/errors.ts";
import { lockedClosure, readLockedPackages } from "../build/locked-packages.ts";
import { SUITE } from "../image/debian-packages.ts";

/** A part of a release, for its bill of materials. */
export interface Part {
  readonly name: string;
  readonly version: string;
  /** https://github.com/package-url/purl-spec */
  readonly purl: string;
  /** In hexadecimal, of an executable. */
  readonly sha256?: string;
}

/** What the executable contains besides its own sources: its runtime, and the packages of package.json. */
export function executableParts(
  project: string,
  { runtime, debian }: Pick<Target, "runtime" | "debian">,
): readonly Part[] {
  const { dependencies = {} } = JSON.parse(readFileSync(join(project, "package.json"), "utf8")) as {
    readonly dependencies?: Readonly<Record<string, string>>;
  };
  const locked = readLockedPackages(project);
  const packages = lockedClosure(Object.keys(dependencies), locked).map((line) => {
    const [path = "", version = ""] = line.split(" ");
    return npmPart(path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length), version);
  });
  // Debian's, of which the executable says no version
  const nodejs = {
    name: "nodejs",
    version: SUITE,
    purl: `pkg:deb/debian/nodejs?arch=${debian}&distro=${SUITE}`,
  };
  if (runtime.kind === "node") return [...packages, nodejs];
  return [...packages, npmPart("bun", locked["node_modules/bun"]?.version ?? "")];
}

/** The Debian packages that the list of an image has, a line `NAME VERSION` for each. */
export function debianParts(manifest: string, { debian }: Pick<Target, "debian">): readonly Part[] {
  const lines = manifest.split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const [name, version, ...more] = line.split(" ");
    if (name === undefined || version === undefined || more.length > 0)
      throw new CommandError(`Found the line "${line}" in the list of packages, expected NAME VERSION`);
    const query = `arch=${debian}&distro=${SUITE}`;
    return { name, version, purl: `pkg:deb/debian/${name}@${encodeURIComponent(version)}?${query}` };
  });
}

/**
 * The parts of an architecture's artifacts in a release directory, as they are in its tarball: Debian packages, npm
 * packages and the runtime, k3s, and the kernel. Throws CommandError.
 */
export async function readParts(
  directory: string,
  target: Pick<Target, "arch" | "debian" | "runtime" | "kernel">,
  project: string,
  host: Pick<Host, "run">,
): Promise<readonly Part[]> {
  const { arch, kernel } = target;
  const tarball = join(directory, `k3os-rootfs-${arch}.tar.gz`);
  using scratch = scratchDirectory(directory, ".parts-");
  const inside = ["*/k3os.squashfs", "*/k3s/*/k3s"];
  const where = cmd`--file ${tarball} --directory ${scratch.path}`;
  // an image may be without k3s: tar then fails for the pattern, after it has extracted the other
  const { stdout } = await host.run(cmd`tar --extract --verbose --gzip ${where} --wildcards ${inside}`, {
    check: false,
  });
  const paths = stdout.split("\n").filter((path) => path !== "");
  const squashfs = paths.find((path) => path.endsWith("/k3os.squashfs"));
  if (squashfs === undefined) throw new CommandError(`"${tarball}" has no k3os.squashfs`);
  const list = cmd`unsquashfs -cat ${join(scratch.path, squashfs)} share/k3os/packages`;
  const packages = debianParts((await host.run(list)).stdout, target);
  const parts = [...packages, ...executableParts(project, target)];
  const k3s = paths.map((path) => /\/k3s\/(v[^/]+)\/k3s$/.exec(path)).find((match) => match !== null);
  if (k3s) parts.push(k3sPart(k3s[1] ?? "", await sha256File(join(scratch.path, k3s.input))));
  if (kernel !== undefined) {
    const version = readFileSync(join(directory, `k3os-kernel-version-${arch}`), "utf8").trim();
    parts.push(genericPart("linux", version));
  }
  return parts;
}

function npmPart(name: string, version: string): Part {
  return { name, version, purl: `pkg:npm/${name.replace(/^@/, "%40")}@${version}` };
}

function k3sPart(version: string, sha256: string): Part {
  return { name: "k3s", version, purl: `pkg:github/k3s-io/k3s@${encodeURIComponent(version)}`, sha256 };
}

function genericPart(name: string, version: string): Part {
  return { name, version, purl: `pkg:generic/${name}@${encodeURIComponent(version)}` };
}
