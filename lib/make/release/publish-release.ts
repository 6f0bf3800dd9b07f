import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scratchDirectory } from "../../tools/fs/scratch-directory.ts";
import { cmd } from "../../tools/host/cmd.ts";
import type { Host } from "../../tools/host/host.ts";
import type { Arch } from "../../tools/host/targets.ts";
import { CHANNEL, parseChannel } from "../../tools/release/channel.ts";
import { k3sRelease } from "../../tools/release/k3s-release.ts";
import type { PublicKey } from "../../tools/release/signature-keys.ts";
import { CommandError } from "../../tools/text/errors.ts";
import { imageTag } from "../image/container.ts";
import { verifyArtifacts } from "./collect-artifacts.ts";
import { IMAGE, NOTES } from "./make-release.ts";
import { k3sInput, PROVENANCE, readProvenance } from "./provenance.ts";

/** Where a release goes. */
export interface Destinations {
  /** The name of the container image: `ghcr.io/k3os/k3os`. */
  readonly registry: string | undefined;
  /** `OWNER/NAME`. */
  readonly github: string | undefined;
}

export interface Publication extends Destinations {
  readonly directory: string;
  readonly version: string;
  readonly arches: readonly Arch[];
  /** The pinned keys. */
  readonly keys: readonly PublicKey[];
  /** The commit that is checked out. */
  readonly commit: string;
  /** The pinned digest of a version of k3s for an architecture; default: that of k3s-releases.json. */
  readonly pin?: (version: string, arch: Arch) => string | undefined;
}

/** The variables with the login of a registry, if it needs one. */
const LOGIN = { user: "K3OS_REGISTRY_USER", password: "K3OS_REGISTRY_PASSWORD" } as const;

type PublishHost = Pick<Host, "run" | "log" | "clock" | "env" | "print">;

/**
 * Publishes a release directory: a draft with all files on GitHub, the container image, and then the release of that draft.
 * Everything is verified before. A tag of the registry that has another image is not overwritten. Throws CommandError.
 */
export async function publishRelease(publication: Publication, host: PublishHost): Promise<void> {
  const { directory, version, registry, github } = publication;
  await checkPublication(publication, host);
  if (registry !== undefined) await refuseOtherImage(directory, `${registry}:${imageTag(version)}`, host);
  const files = readdirSync(directory).map((name) => join(directory, name));
  const repository = github === undefined ? [] : ["--repo", github];
  if (github !== undefined) {
    const about = cmd`--draft --verify-tag --title ${version} --notes-file ${join(directory, NOTES)}`;
    await host.run(cmd`gh release create ${version} ${repository} ${about} ${files}`);
    host.print(`${github}: draft of ${version} with ${files.length} files\n`);
  }
  if (registry !== undefined) await pushImage(directory, `${registry}:${imageTag(version)}`, host);
  if (github === undefined) return;
  const channel = join(directory, CHANNEL);
  const { latest } = parseChannel(readFileSync(channel, "utf8"));
  const isLatest = latest === version;
  await host.run(cmd`gh release edit ${version} ${repository} --draft=false --latest=${String(isLatest)}`);
  host.print(`${github}: published ${version}\n`);
  if (isLatest) return;
  // nodes read the channel beside the latest release
  await host.run(cmd`gh release upload ${latest} ${repository} --clobber ${channel} ${`${channel}.minisig`}`);
  host.print(`${github}: ${CHANNEL} of ${latest} lists ${version}\n`);
}

/** Refuses what is not signed by a pinned key, has changed, or is not made of this commit. Throws CommandError. */
async function checkPublication(
  { directory, version, arches, keys, commit, pin = pinned }: Publication,
  host: Pick<Host, "log" | "clock" | "env" | "run">,
): Promise<void> {
  const versions = new Map<Arch, string>();
  for (const arch of arches) {
    const { k3s } = await verifyArtifacts(directory, { arch, keys, version }, host);
    if (k3s === undefined)
      throw new CommandError(`Refusing to publish: the images of ${arch} are without k3s`);
    versions.set(arch, k3s.version);
  }
  const made = await readProvenance(readFileSync(join(directory, PROVENANCE), "utf8"));
  for (const [arch, k3s] of versions) {
    const [found, expected] = [made.inputs.get(k3sInput(arch)), pin(k3s, arch)];
    if (expected === undefined || found !== expected)
      throw new CommandError(
        `Refusing to publish: the k3s ${k3s} of ${arch} is not pinned: its sha256 is ${found}, expected ${expected ?? "one in k3s-releases.json"}`,
      );
  }
  if (made.commit !== commit)
    throw new CommandError(
      `Refusing to publish: "${directory}" is made of ${made.commit}, expected ${commit}`,
    );
  if (made.dirty.length > 0)
    throw new CommandError(
      `Refusing to publish: the tree was dirty, ${made.dirty.join(", ")} not as committed`,
    );
}

function pinned(version: string, arch: Arch): string | undefined {
  return k3sRelease(version, arch).sha256;
}

/** skopeo's address of an image, and its option where a registry on this machine has no certificate. */
function addressOf(image: string): { readonly url: string; readonly isPlain: boolean } {
  return { url: `docker://${image}`, isPlain: /^(localhost|127\.|\[::1\])/.test(image) };
}

async function refuseOtherImage(directory: string, image: string, host: PublishHost): Promise<void> {
  const { url, isPlain } = addressOf(image);
  using login = await openLogin(image, host);
  const tls = isPlain ? ["--tls-verify=false"] : [];
  const remote = await host.run(cmd`skopeo inspect --raw ${tls} ${login.options} ${url}`, { check: false });
  if (remote.code !== 0) return; // there is none; what else is wrong, the push will say
  const own = await host.run(cmd`skopeo inspect --raw ${`oci-archive:${join(directory, IMAGE)}`}`);
  if (own.stdout === remote.stdout) return;
  throw new CommandError(`Refusing to publish: "${image}" exists, and is another image`, {
    hint: "count up the revision in package.json: a published version never changes",
  });
}

async function pushImage(directory: string, image: string, host: PublishHost): Promise<void> {
  const { url, isPlain } = addressOf(image);
  using login = await openLogin(image, host);
  const tls = isPlain ? ["--dest-tls-verify=false"] : [];
  const source = `oci-archive:${join(directory, IMAGE)}`;
  await host.run(cmd`skopeo copy --all --preserve-digests --quiet ${tls} ${login.options} ${source} ${url}`);
  host.print(`${image}: pushed\n`);
}

/** Logs in for the time of a scope, if the environment has a user. */
async function openLogin(
  image: string,
  host: Pick<Host, "run" | "env">,
): Promise<Disposable & { readonly options: readonly string[] }> {
  const { [LOGIN.user]: user, [LOGIN.password]: password } = host.env;
  if (!user || !password) return { options: [], [Symbol.dispose]: () => undefined };
  const scratch = scratchDirectory(tmpdir(), "k3os-login-");
  const options = ["--authfile", join(scratch.path, "auth.json")];
  const tls = addressOf(image).isPlain ? ["--tls-verify=false"] : [];
  const registry = image.slice(0, image.indexOf("/"));
  const argv = cmd`skopeo login ${tls} ${options} --username ${user} --password-stdin ${registry}`;
  await host.run(argv, { input: password });
  return { options, [Symbol.dispose]: () => scratch[Symbol.dispose]() };
}
