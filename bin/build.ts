import { statSync } from "node:fs";
import { relative, resolve } from "node:path";
import { type BuildContext, createBuildContext, withK3s } from "../lib/make/build/context.ts";
import { CLEAR_LINE } from "../lib/make/build/step-line.ts";
import { buildExecutable } from "../lib/make/executable/executable.ts";
import type { K3sChoice } from "../lib/make/image/resolve-k3s.ts";
import { signingKey } from "../lib/make/image/signing.ts";
import { defineCommand, type Options, parseCommandLine } from "../lib/tools/cli/cli.ts";
import { commandHelp } from "../lib/tools/cli/help.ts";
import { createLog } from "../lib/tools/host/log.ts";
import { STDERR, writeOut } from "../lib/tools/host/output.ts";
import { hostTarget, TARGETS, type Target, targetOf } from "../lib/tools/host/targets.ts";
import type { ImageArchive } from "../lib/tools/images/image-archive.ts";
import { imageSet } from "../lib/tools/images/image-set.ts";
import { COMMITTED_KEYS, MAX_RELEASE_KEYS } from "../lib/tools/release/release-keys.ts";
import { encodePublicKey, readPublicKey } from "../lib/tools/release/signature-keys.ts";
import { CommandError, EXIT, exitStatus, formatError, UsageError } from "../lib/tools/text/errors.ts";

const OPTIONS = {
  arch: {
    type: "string",
    multiple: true,
    value: "ARCH",
    help: "amd64, arm64 or arm; may be repeated (default: all with bin, else this machine's)",
  },
  k3s: {
    type: "string",
    value: "MINOR|VERSION|PATH|URL|none",
    help: "the k3s to put into the images, after which the release is named: a Kubernetes minor such as v1.35, a release such as v1.36.3+k3s1, a program, or none, so that the first boot downloads it (default: the stable release)",
  },
  images: {
    type: "string",
    multiple: true,
    value: "TAR",
    help: "an archive of container images for the ISO, which nodes import without a network (tar, tar.gz, tar.zst); may be repeated",
  },
  from: {
    type: "string",
    multiple: true,
    value: "DIR",
    help: "the artifacts of an earlier release: its nodes fetch only the difference from them; may be repeated",
  },
  sign: {
    type: "string",
    value: "FILE",
    help: "the minisign secret key that signs the checksums (default: one of this clone's own)",
  },
  "release-key": {
    type: "string",
    multiple: true,
    value: "FILE|BASE64",
    help: "a minisign public key whose releases the program trusts besides those of lib/tools/release/release-keys.json; two in all",
  },
} as const satisfies Options;

const build = defineCommand({
  usage: "[bin]",
  description: `Makes dist/artifacts. With "bin", only the executables; else also the images and
checksums. What did not change is taken from .cache, and what takes long to make from a cache of
all clones on this machine.`,
  options: OPTIONS,
  maxPositionals: 1,
  run: async ({ values, positionals: [what] }, host) => {
    if (what !== undefined && what !== "bin") throw new UsageError(`Unexpected argument "${what}"`);
    const everything = what === "bin" ? TARGETS : [hostTarget()];
    if (what === "bin" && values.images.length > 0)
      throw new UsageError("--images is for the ISO, not for bin");
    const targets = values.arch.length === 0 ? everything : values.arch.map(targetOf);
    const releaseKeys = addedKeys(values["release-key"]);
    const base = createBuildContext({ host, releaseKeys });
    const images = await imageArchives(values.images, base);
    // opened first: it may prompt for a password, or be missing
    const key = what === "bin" ? undefined : await signingKey(values.sign, base);
    const { resolveK3s } = await import("../lib/make/image/resolve-k3s.ts");
    const options = { signed: values.sign !== undefined, versionOnly: key === undefined };
    const builds: { readonly target: Target; readonly k3s: K3sChoice }[] = [];
    // all of them before anything is made: one may be refused
    for (const target of targets) {
      builds.push({ target, k3s: await resolveK3s(values.k3s, target, options, base) });
    }
    for (const { target, k3s } of builds) {
      const context = withK3s(base, k3s.version);
      const executable = await buildExecutable(target, context);
      report(executable.path, context);
      if (key === undefined) continue;
      const { buildImages } = await import("../lib/make/image/build-artifacts.ts");
      const { COMMANDS } = await import("./commands.ts");
      const earlier = values.from.map((directory) => resolve(directory));
      await buildImages(target, { executable, k3s, images, key, earlier, commands: COMMANDS }, context);
    }
    return EXIT.done;
  },
});

async function imageArchives(
  paths: readonly string[],
  { host }: BuildContext,
): Promise<readonly ImageArchive[]> {
  const { archives, warnings } = await imageSet(paths.map((path) => resolve(path)));
  for (const warning of warnings) host.log.warn(warning);
  return archives;
}

function addedKeys(sources: readonly string[]): string[] {
  const keys = sources.map((source) => encodePublicKey(readPublicKey(source)));
  if (COMMITTED_KEYS.length + keys.length <= MAX_RELEASE_KEYS) return keys;
  throw new CommandError(
    `Too many release keys: at most ${MAX_RELEASE_KEYS}, ${COMMITTED_KEYS.length} committed`,
  );
}

function report(artifact: string, { host, project }: BuildContext): void {
  const megabytes = (statSync(artifact).size / 1e6).toFixed(1);
  host.print(`${relative(project, artifact)}  ${megabytes} MB\n`);
}

async function main(argv: readonly string[]): Promise<number> {
  const { systemHost } = await import("../lib/tools/host/host.ts");
  // another step may be showing its elapsed time
  const clear = process.stderr.isTTY ? CLEAR_LINE : "";
  const write = (line: string) => writeOut(STDERR, `${clear}${line}`);
  try {
    const args = parseCommandLine(build, argv, process.env);
    if (!args.values.help)
      return await build.run(args, systemHost({ log: createLog(write, { debug: args.values.debug }) }));
    process.stdout.write(commandHelp("npm run build --", "Build the artifacts of k3OS", build));
    return EXIT.done;
  } catch (error) {
    process.stderr.write(`${formatError(error)}\n`);
    return exitStatus(error);
  }
}

process.exit(await main(process.argv.slice(2)));
