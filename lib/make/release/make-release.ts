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
import { dirname, join } from "node:path";
import { sha256File } from "../../tools/fs/checksums.ts";
import type { Arch, Target } from "../../tools/host/targets.ts";
import type { Channel } from "../../tools/release/channel.ts";
import type { Release } from "../../tools/release/read-release.ts";
import { encodePublicKey, type PublicKey } from "../../tools/release/signature-keys.ts";
import type { SigningKey } from "../../tools/release/signing-key.ts";
import { CommandError } from "../../tools/text/errors.ts";
import type { BuildContext } from "../build/context.ts";
import { ensurePackages } from "../build/required-packages.ts";
import { writeChecksums } from "../image/signing.ts";
import { billNames, cyclonedxBill, spdxBill } from "./bill-of-materials.ts";
import { takeFile, verifyArtifacts } from "./collect-artifacts.ts";
import { readParts } from "./components.ts";
import { joinImages } from "./container-index.ts";
import { k3sInput, PROVENANCE, provenance } from "./provenance.ts";
import { nextChannel, writeChannel } from "./release-channel.ts";
import { releaseNotes, type Section } from "./release-notes.ts";
import type { SourceFacts } from "./release-source.ts";

/** The container image of all architectures in a release directory. */
export const IMAGE = "k3os-image.tar";
/** What is new in a release. */
export const NOTES = "RELEASE-NOTES.md";

/** Public keys that an earlier key has signed, and their signatures: `k3os-ID.pub`, `k3os-ID.pub.minisig`. */
const FOLLOWING_KEYS = "lib/make/release/following-keys";

export interface ReleaseInput {
  readonly targets: readonly Target[];
  /** The directory of the signed artifacts. */
  readonly artifacts: string;
  /** The release directory, which is replaced. */
  readonly output: string;
  readonly key: SigningKey;
  /** The keys that may have signed the artifacts. */
  readonly keys: readonly PublicKey[];
  readonly source: SourceFacts;
  /** Of the changelog. */
  readonly section: Section | undefined;
  /** The releases so far. */
  readonly channel: Channel | undefined;
}

type Context = Pick<BuildContext, "project" | "version" | "sourceDateEpoch" | "signedAt" | "host">;

/**
 * Makes a release directory of signed artifacts: adds the container image of all architectures, bills of materials, the
 * provenance, the notes and the channel, and signs all of it. `output` only appears when all of it is verified. Returns the
 * names of its files. Throws CommandError, also for an artifact that has changed since it was signed.
 */
export async function makeRelease(input: ReleaseInput, context: Context): Promise<readonly string[]> {
  const { targets, artifacts, output, keys } = input;
  const { host, version } = context;
  await ensurePackages(["minisign", "squashfs-tools"], host);
  const partial = `${output}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  try {
    const releases = new Map<Arch, Release>();
    for (const { arch } of targets)
      releases.set(arch, await verifyArtifacts(artifacts, { arch, keys, version }, host));
    await fill(partial, releases, input, context);
    for (const { arch } of targets) await verifyArtifacts(partial, { arch, keys, version }, host);
    rmSync(output, { recursive: true, force: true });
    mkdirSync(dirname(output), { recursive: true });
    renameSync(partial, output);
    return readdirSync(output).sort();
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

async function fill(
  directory: string,
  releases: ReadonlyMap<Arch, Release>,
  input: ReleaseInput,
  context: Context,
): Promise<void> {
  const { targets, artifacts, key, source, section } = input;
  const { host, project, version, sourceDateEpoch } = context;
  const k3s = commonK3s(releases);
  const ofArch = new Map([...releases].map(([arch, { files }]) => [arch, [...files.keys()]]));
  for (const name of new Set([...ofArch.values()].flat())) takeFile(artifacts, directory, name);
  const images = targets.map(({ arch }) => join(directory, `k3os-image-${arch}.tar`));
  await joinImages(images, join(directory, IMAGE), { version, sourceDateEpoch }, host);
  const shown = [encodePublicKey(key.publicKey)];
  writeFileSync(join(directory, NOTES), releaseNotes(section, { version, k3s, keys: shown }));
  const inputs = [
    { name: "package-lock.json", sha256: await sha256File(join(project, "package-lock.json")) },
  ];
  for (const target of targets) {
    const { names, k3s: sha256 } = await writeBills(directory, target, context);
    ofArch.get(target.arch)?.push(...names);
    if (sha256 !== undefined) inputs.push({ name: k3sInput(target.arch), sha256 });
  }
  const subjects = await digestsIn(directory, readdirSync(directory));
  const parameters = { arch: targets.map(({ arch }) => arch), ...(k3s && { k3s }) };
  const statement = provenance({ version, source, files: subjects, parameters, inputs }, host);
  writeFileSync(join(directory, PROVENANCE), statement);
  const sizes = new Map<Arch, ReadonlyMap<string, number>>();
  for (const { arch } of targets) {
    const names = [...new Set([...(ofArch.get(arch) ?? []), IMAGE, NOTES, PROVENANCE])];
    await writeChecksums(
      { arch },
      { names, key, k3s: releases.get(arch)?.k3s?.version },
      { ...context, artifacts: directory },
    );
    sizes.set(arch, new Map(names.map((name) => [name, statSync(join(directory, name)).size])));
  }
  takeFollowingKeys(join(project, FOLLOWING_KEYS), directory);
  const channel = nextChannel(input.channel, { version, k3s, signedAt: context.signedAt, sizes });
  await writeChannel(channel, { directory, key, timestamp: context.signedAt }, host);
}

/** The k3s of all architectures; undefined if none has one. Throws CommandError if they differ. */
function commonK3s(releases: ReadonlyMap<Arch, Release>): string | undefined {
  const versions = new Set([...releases.values()].flatMap(({ k3s }) => k3s?.version ?? []));
  if (versions.size <= 1) return [...versions][0];
  throw new CommandError(`The artifacts have different versions of k3s: ${[...versions].join(", ")}`);
}

/** Writes the bills of an architecture; returns their names, and the digest of its k3s. */
async function writeBills(
  directory: string,
  target: Target,
  context: Context,
): Promise<{ readonly names: readonly string[]; readonly k3s: string | undefined }> {
  const { host, project, version, sourceDateEpoch: time } = context;
  const parts = await readParts(directory, target, project, host);
  const subject = { version, arch: target.arch, time };
  const names = billNames(target.arch);
  writeFileSync(join(directory, names.cyclonedx), cyclonedxBill(parts, subject));
  writeFileSync(join(directory, names.spdx), spdxBill(parts, subject));
  return {
    names: [names.cyclonedx, names.spdx],
    k3s: parts.find(({ name, sha256 }) => name === "k3s" && sha256 !== undefined)?.sha256,
  };
}

async function digestsIn(directory: string, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const digests = new Map<string, string>();
  for (const name of names) digests.set(name, await sha256File(join(directory, name)));
  return digests;
}

function takeFollowingKeys(from: string, directory: string): void {
  if (!existsSync(from)) return;
  for (const name of readdirSync(from)) writeFileSync(join(directory, name), readFileSync(join(from, name)));
}
