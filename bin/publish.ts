import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type BuildContext, createBuildContext, withK3s } from "../lib/make/build/context.ts";
import { IMAGE_NAME } from "../lib/make/image/container.ts";
import { signingKey } from "../lib/make/image/signing.ts";
import { type Destinations, publishRelease } from "../lib/make/release/publish-release.ts";
import { readPublishedChannel } from "../lib/make/release/release-channel.ts";
import { changelogSection } from "../lib/make/release/release-notes.ts";
import { type Objections, objectionsTo } from "../lib/make/release/release-objections.ts";
import { readSource, type SourceFacts } from "../lib/make/release/release-source.ts";
import { defineCommand, type Options, parseCommandLine, type Values } from "../lib/tools/cli/cli.ts";
import { commandHelp } from "../lib/tools/cli/help.ts";
import { scratchDirectory } from "../lib/tools/fs/scratch-directory.ts";
import { cmd } from "../lib/tools/host/cmd.ts";
import type { Host } from "../lib/tools/host/host.ts";
import { createLog } from "../lib/tools/host/log.ts";
import { STDERR, writeOut } from "../lib/tools/host/output.ts";
import { PROJECT_URL } from "../lib/tools/host/project.ts";
import { TARGETS, type Target, targetOf } from "../lib/tools/host/targets.ts";
import { k3sRelease, STABLE_K3S } from "../lib/tools/release/k3s-release.ts";
import { COMMITTED_KEYS } from "../lib/tools/release/release-keys.ts";
import { encodePublicKey, type PublicKey, readPublicKey } from "../lib/tools/release/signature-keys.ts";
import { CommandError, EXIT, exitStatus, formatError } from "../lib/tools/text/errors.ts";

const OPTIONS = {
  "dry-run": { type: "boolean", help: "make the release directory, and publish nothing" },
  publish: { type: "boolean", help: "publish a release directory that is complete" },
  "verify-reproducible": {
    type: "boolean",
    help: "build the commit twice in new clones, without a cache, and compare all artifacts",
  },
  arch: {
    type: "string",
    multiple: true,
    value: "ARCH",
    help: "amd64, arm64 or arm; may be repeated (default: all)",
  },
  k3s: {
    type: "string",
    value: "MINOR|VERSION|none",
    help: "the k3s of the release, as for npm run build (default: the stable release)",
  },
  from: {
    type: "string",
    multiple: true,
    value: "DIR",
    help: "the artifacts of an earlier release, as for npm run build; may be repeated",
  },
  artifacts: { type: "string", value: "DIR", help: "take the signed artifacts there, and build nothing" },
  output: { type: "string", value: "DIR", help: "the release directory (default: dist/release/VERSION)" },
  sign: {
    type: "string",
    value: "FILE",
    help: "the minisign secret key (default: the text in K3OS_SIGN_KEY, else one of this clone's own, for a dry run)",
  },
  "release-key": {
    type: "string",
    multiple: true,
    value: "FILE|BASE64",
    help: "a public key to pin besides those of lib/tools/release/release-keys.json",
  },
  channel: {
    type: "string",
    value: "URL|DIR",
    help: "where the channel of the releases so far is, or none (default: the latest release)",
  },
  registry: {
    type: "string",
    value: "NAME|none",
    help: "the container image to push (default: ghcr.io/k3os/k3os)",
  },
  github: {
    type: "string",
    value: "OWNER/NAME|none",
    help: "the project to publish at (default: k3os/k3os)",
  },
} as const satisfies Options;

/** Holds the text of the secret key, for a workflow. */
const KEY_VARIABLE = "K3OS_SIGN_KEY";

type ReleaseValues = Values<typeof OPTIONS>;

const release = defineCommand({
  usage: "",
  description: `Makes a release of the commit that is checked out, and publishes it: signed artifacts of all
architectures, a container image for all of them, bills of materials, provenance, notes and channel.
Nothing is public before everything is verified.`,
  options: OPTIONS,
  run: async ({ values }, host) => {
    const targets = values.arch.length === 0 ? TARGETS : values.arch.map(targetOf);
    const base = createBuildContext({ host });
    const source = await readSource(base.project, host);
    if (values["verify-reproducible"]) return await reproduce(values, targets, source, base);
    const k3s = values.k3s === undefined || values.k3s === "none" ? STABLE_K3S : values.k3s;
    const named = withK3s(base, k3sRelease(k3s, "amd64").version);
    const context = { ...named, signedAt: signingTime(base, source) };
    const { version, project } = context;
    const output = resolve(values.output ?? join(project, "dist/release", version));
    const keys = [...COMMITTED_KEYS, ...values["release-key"]].map(readPublicKey);
    const arches = targets.map(({ arch }) => arch);
    const publication = {
      ...destinationsOf(values),
      directory: output,
      version,
      arches,
      commit: source.commit,
    };
    const section = changelogSection(readFileSync(join(project, "CHANGELOG.md"), "utf8"), version);
    const facts = { version, source, pinned: keys.map(({ id }) => id), notes: section?.state };
    const dryRun = values["dry-run"];
    if (values.publish) {
      stop(objectionsTo(facts), { dryRun: false }, host);
      await publishRelease({ ...publication, keys }, host);
      return EXIT.done;
    }
    using secret = secretKey(values.sign, host);
    const key = await signingKey(secret.file, context);
    stop(objectionsTo({ ...facts, signer: key.publicKey.id }), { dryRun }, host);
    // what is only tried is for programs that know its key
    const trusted = keys.length === 0 ? [key.publicKey] : keys;
    const channel = await readPublishedChannel(values.channel, { keys: trusted, dryRun }, host);
    if (values.artifacts === undefined)
      await build({ ...values, sign: secret.file }, targets, trusted, context);
    const { makeRelease } = await import("../lib/make/release/make-release.ts");
    const artifacts = resolve(values.artifacts ?? context.artifacts);
    const input = { targets, artifacts, output, key, keys: trusted, source, section, channel };
    const files = await makeRelease(input, context);
    host.print(`${output}: ${version}, ${files.length} files\n`);
    if (!dryRun) await publishRelease({ ...publication, keys }, host);
    return EXIT.done;
  },
});

/** The time of the signatures: that of the commit, so that the same commit gives the same bytes. */
function signingTime({ signedAt, host }: BuildContext, source: SourceFacts): number {
  return host.env.SOURCE_DATE_EPOCH ? signedAt : source.time;
}

/** The file of the secret key: the given one, or that of the variable, which only is there for the time of a scope. */
function secretKey(
  given: string | undefined,
  { env }: Pick<Host, "env">,
): Disposable & { readonly file: string | undefined } {
  const text = env[KEY_VARIABLE];
  if (given !== undefined || !text) return { file: given, [Symbol.dispose]: () => undefined };
  const scratch = scratchDirectory(tmpdir(), "k3os-key-");
  const file = join(scratch.path, "k3os.key");
  writeFileSync(file, text, { mode: 0o600 });
  return { file, [Symbol.dispose]: () => scratch[Symbol.dispose]() };
}

/** Throws CommandError with what speaks against a release; a dry run only warns of what does not speak against it, too. */
function stop(
  { refusals, unpublishable }: Objections,
  { dryRun }: { readonly dryRun: boolean },
  host: Pick<Host, "log">,
): void {
  const stops = dryRun ? refusals : [...refusals, ...unpublishable];
  if (stops.length > 0) throw new CommandError(`Refusing to make a release: ${stops.join("; ")}`);
  for (const problem of unpublishable) host.log.warn(`${problem}: this release cannot be published`);
}

function destinationsOf(values: ReleaseValues): Destinations {
  const given = (value: string | undefined, usual: string) =>
    value === "none" ? undefined : (value ?? usual);
  const project = PROJECT_URL.replace("https://github.com/", "");
  return { registry: given(values.registry, IMAGE_NAME), github: given(values.github, project) };
}

/** Builds the artifacts, as `npm run build` does. */
async function build(
  values: ReleaseValues,
  targets: readonly Target[],
  trusted: readonly PublicKey[],
  { project, host }: BuildContext,
): Promise<void> {
  const added = trusted.map(encodePublicKey).filter((key) => !COMMITTED_KEYS.includes(key));
  const argv = [
    ...targets.flatMap(({ arch }) => ["--arch", arch]),
    ...added.flatMap((key) => ["--release-key", key]),
    ...(values.k3s === undefined ? [] : ["--k3s", values.k3s]),
    ...values.from.flatMap((directory) => ["--from", resolve(directory)]),
    ...(values.sign === undefined ? [] : ["--sign", resolve(values.sign)]),
  ];
  await host.run(cmd`${process.execPath} ${join(project, "bin/build.ts")} ${argv}`, {
    cwd: project,
    stdio: "inherit",
  });
}

async function reproduce(
  values: ReleaseValues,
  targets: readonly Target[],
  source: SourceFacts,
  context: BuildContext,
): Promise<number> {
  const { verifyReproducible } = await import("../lib/make/release/verify-reproducible.ts");
  const { project, cache, host } = context;
  const { file: key } = await signingKey(undefined, context);
  const argv = [
    ...targets.flatMap(({ arch }) => ["--arch", arch]),
    ...(values.k3s === undefined ? [] : ["--k3s", values.k3s]),
  ];
  const count = await verifyReproducible({ project, cache, key, time: source.time, argv }, host);
  host.print(`Reproducible: ${count} files are the same in both\n`);
  return EXIT.done;
}

async function main(argv: readonly string[]): Promise<number> {
  const { systemHost } = await import("../lib/tools/host/host.ts");
  const write = (line: string) => writeOut(STDERR, line);
  try {
    const args = parseCommandLine(release, argv, process.env);
    if (!args.values.help)
      return await release.run(args, systemHost({ log: createLog(write, { debug: args.values.debug }) }));
    process.stdout.write(commandHelp("npm run release --", "Make and publish a release of k3OS", release));
    return EXIT.done;
  } catch (error) {
    process.stderr.write(`${formatError(error)}\n`);
    return exitStatus(error);
  }
}

process.exitCode = await main(process.argv.slice(2));
