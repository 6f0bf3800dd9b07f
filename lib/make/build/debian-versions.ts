import { cmd } from "../../tools/host/cmd.ts";
import type { Host } from "../../tools/host/host.ts";
import { CommandError } from "../../tools/text/errors.ts";

/** An installed Debian package of this machine. */
export interface Installed {
  /** With the architecture: `amd64 1:4.6.1-1`. */
  readonly version: string;
  /** Names of its dependencies, including alternatives. */
  readonly needs: readonly string[];
}

/** By name; a virtual package has its providers as dependencies. */
export type InstalledPackages = ReadonlyMap<string, Installed>;

const FIELDS = [
  "Package",
  "Architecture",
  "db:Status-Status",
  "Version",
  "Pre-Depends",
  "Depends",
  "Provides",
];

/** The installed packages of this machine. */
export async function installedPackages(host: Pick<Host, "run">): Promise<InstalledPackages> {
  const format = `${FIELDS.map((field) => `\${${field}}`).join("\\t")}\\n`;
  const { stdout } = await host.run(cmd`dpkg-query --show --showformat ${format}`);
  return parseInstalled(stdout);
}

/** Parses tab-separated lines of {@link FIELDS}. */
export function parseInstalled(text: string): InstalledPackages {
  const packages = new Map<string, Installed>();
  const providers = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [name = "", architecture, status, version, before = "", after = "", provided = ""] =
      line.split("\t");
    if (status !== "installed") continue;
    // foreign architectures are also listed: programs run from the native one
    const known = packages.get(name);
    const versions = [known?.version, `${architecture} ${version}`].filter((one) => one !== undefined);
    const needs = [...(known?.needs ?? []), ...relationNames(before), ...relationNames(after)];
    packages.set(name, { version: versions.join(", "), needs });
    for (const other of relationNames(provided))
      providers.set(other, [...(providers.get(other) ?? []), name]);
  }
  for (const [name, needs] of providers) {
    if (!packages.has(name)) packages.set(name, { version: "provided", needs });
  }
  return packages;
}

/** `libc6 (>= 2.36), perl:any | perl-base` → libc6, perl, perl-base. */
function relationNames(field: string): string[] {
  return field.split(/[,|]/).flatMap((relation) => /^\s*([a-z0-9][a-z0-9+.-]+)/.exec(relation)?.[1] ?? []);
}

/**
 * Packages and all their dependencies, as sorted lines `NAME VERSION`: a library also affects the output of a program.
 * Throws CommandError for a package that is not installed.
 */
export function versionsOf(names: readonly string[], installed: InstalledPackages): string[] {
  const missing = names.filter((name) => !installed.has(name));
  if (missing.length > 0)
    throw new CommandError(`Cannot determine the versions of Debian packages: ${missing.join(" ")}`);
  const found = new Map<string, string>();
  const queue = [...names];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const entry = installed.get(name);
    if (entry === undefined || found.has(name)) continue; // an alternative is installed instead
    found.set(name, `${name} ${entry.version}`);
    queue.push(...entry.needs);
  }
  return [...found.values()].sort();
}
