import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join, relative } from "node:path";
import { type Host, systemHost } from "../../tools/host/host.ts";
import { checkVersion } from "../../tools/release/version-name.ts";
import { showStep } from "./step-line.ts";

/** What every build step works with. */
export interface BuildContext {
  readonly host: Host;
  /** The project's root directory. */
  readonly project: string;
  /** Finished artifacts: `dist/artifacts`. */
  readonly artifacts: string;
  /** Results of build steps, kept by content: `.cache`. */
  readonly cache: string;
  /** The release being built, e.g. `v0.30.0`. */
  readonly version: string;
  /** The base64 of public keys of releases that the program is to trust besides the committed ones. */
  readonly releaseKeys: readonly string[];
  /** Seconds since the epoch that every timestamp in an artifact gets (reproducible-builds.org). */
  readonly sourceDateEpoch: number;
  /** Seconds since the epoch that a signature of what is built says: by that a node knows an older list from a newer. */
  readonly signedAt: number;
}

const PROJECT = join(import.meta.dirname, "../../..");

/** The context of a build of this checkout. */
export function createBuildContext(options: { debug?: boolean } = {}): BuildContext {
  const project = PROJECT;
  const manifest = JSON.parse(readFileSync(join(project, "package.json"), "utf8")) as { version: string };
  const artifacts = join(project, "dist/artifacts");
  const cache = join(project, ".cache");
  mkdirSync(artifacts, { recursive: true });
  mkdirSync(cache, { recursive: true });
  return {
    host: systemHost(options),
    project,
    artifacts,
    cache,
    version: checkVersion(process.env.K3OS_BUILD_VERSION ?? `v${manifest.version}`),
    releaseKeys: [],
    // a fixed day unless the caller says otherwise: the same sources give the same bytes
    sourceDateEpoch: Number(process.env.SOURCE_DATE_EPOCH ?? 1_767_225_600),
    signedAt: Number(process.env.SOURCE_DATE_EPOCH ?? Math.floor(Date.now() / 1000)),
  };
}

/** What a cached step depends on: literal text, or the content of a file or of all files below a directory. */
export type Input = string | { readonly path: string };

/**
 * Runs `make` into an empty directory unless a result for the same inputs is kept, and returns that directory.
 * A result appears whole or not at all; older results of the same name are removed.
 */
export async function cached(
  step: { readonly name: string; readonly inputs: readonly Input[] },
  make: (directory: string) => Promise<void>,
  context: Pick<BuildContext, "cache" | "host">,
): Promise<string> {
  const key = cacheKey(step.inputs, PROJECT);
  const result = join(context.cache, `${step.name}@${key}`);
  if (existsSync(result)) return result;
  const partial = `${result}.${process.pid}.partial`; // another build of the same may run beside this one
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const started = context.host.clock.monotonic();
  context.host.log.info(`Building ${step.name} …`);
  const timeFile = join(context.cache, `${step.name}.seconds`);
  try {
    using _line = showStep(step.name, readSeconds(timeFile));
    await make(partial);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw error;
  }
  for (const entry of readdirSync(context.cache)) {
    const old = entry.startsWith(`${step.name}@`) && !entry.endsWith(".partial");
    if (old && entry !== basename(result))
      rmSync(join(context.cache, entry), { recursive: true, force: true });
  }
  if (existsSync(result)) rmSync(partial, { recursive: true, force: true });
  else renameSync(partial, result);
  const seconds = (context.host.clock.monotonic() - started) / 1000;
  writeFileSync(timeFile, seconds.toFixed(1));
  context.host.log.info(`Built ${step.name} in ${seconds.toFixed(1)} s`);
  return result;
}

/** How long a step took the last time. */
function readSeconds(file: string): number | undefined {
  return existsSync(file) ? Number(readFileSync(file, "utf8")) : undefined;
}

/**
 * What a result is kept by: a digest of the inputs. Where the project lies does not count, so that a result serves
 * another clone, too.
 */
export function cacheKey(inputs: readonly Input[], project: string): string {
  const hash = createHash("sha256");
  for (const input of inputs) {
    if (typeof input === "string") {
      const text = input.replaceAll(`${project}/`, "");
      hash.update(`text ${text.length}\n${text}`);
    } else
      for (const file of filesBelow(input.path))
        hash.update(`file ${relative(project, file)}\n`).update(readFileSync(file));
  }
  return hash.digest("hex").slice(0, 16);
}

function filesBelow(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
