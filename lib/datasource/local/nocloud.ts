import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inRoot } from "../../tools/host/paths.ts";
import { maskUrl } from "../../tools/http/http.ts";
import { CommandError, messageOf } from "../../tools/text/errors.ts";
import type { Access, Metadata, Provider } from "../data-source.ts";
import type { Platform } from "../platform.ts";
import { type MetaData, parseMetaData } from "./meta-data.ts";
import { findSeedLine, parseSeedLine, serialWords } from "./nocloud-line.ts";
import { readInside } from "./read-source-file.ts";
import { isLabelled, searchVolumes } from "./volumes.ts";

const LABEL = "cidata";
const DIRECTORIES = ["/var/lib/cloud/seed/nocloud", "/var/lib/cloud/seed/nocloud-net"];
const USER_DATA = "user-data";
const META_DATA = "meta-data";
const UNUSED = ["vendor-data", "network-config"];

/** The content of one seed. */
interface Seed {
  readonly userdata?: Uint8Array | undefined;
  readonly meta: MetaData;
}

/**
 * cloud-init's NoCloud: user data and meta-data from a file system labelled `cidata`, from a directory, or from the
 * place that the kernel command line or the machine's serial number names. Only a seed at a URL needs the network.
 *
 * There may be several seeds. As in cloud-init, the host name and instance of a line take precedence over those of a
 * file, the last user data counts, and a seed that a line names replaces all other user data. Unlike in cloud-init, one
 * of the two files is enough.
 * https://cloudinit.readthedocs.io/en/latest/reference/datasources/nocloud.html
 */
export const noCloud: Provider = {
  name: "nocloud",
  title: "NoCloud",
  kind: "local",
  recognises: (platform) =>
    seedLines(platform).length > 0 || platform.devices.some((device) => isLabelled(device, LABEL)),
  read: async (access) => {
    const lines = seedLines(access.platform).map((line) => parseSeedLine(line, access));
    const seeds: Seed[] = lines.map(({ meta }) => ({ meta }));
    for (const directory of DIRECTORIES) {
      const seed = await readSeed(inRoot(access, directory), directory, access);
      if (seed !== undefined) seeds.push(seed);
    }
    const volume = await readVolume(access);
    if (volume !== undefined) seeds.push(volume);
    const seedFrom = lines.map((line) => line.seedFrom).find((from) => from !== undefined);
    if (seedFrom !== undefined) seeds.push(await readSeedFrom(seedFrom, access));
    return mergeSeeds(seeds);
  },
};

/** The firmware's line first, then the kernel's. */
function seedLines(platform: Platform): string[] {
  const lines = [findSeedLine(serialWords(platform)), findSeedLine(platform.words)];
  return lines.filter((line) => line !== undefined);
}

/** Undefined if there is no data at all. */
function mergeSeeds(seeds: readonly Seed[]): Metadata | undefined {
  const userdata = seeds.findLast((seed) => seed.userdata !== undefined)?.userdata;
  const meta = Object.assign({}, ...seeds.map((seed) => seed.meta).reverse()) as MetaData;
  const merged: Metadata = { ...meta, ...(userdata === undefined ? {} : { userdata }) };
  return Object.keys(merged).length === 0 ? undefined : merged;
}

/** The last of several devices counts, as in cloud-init: the disk that was added to a machine, not its original one. */
function readVolume(access: Access): Promise<Seed | undefined> {
  const devices = access.platform.devices.filter((device) => isLabelled(device, LABEL));
  const last = devices.sort((a, b) => (a.path < b.path ? 1 : -1));
  return searchVolumes(last, (directory, { path }) => readSeed(directory, path, access), access);
}

/** Reads a directory; messages call it `name`. Undefined if neither file exists. */
export async function readSeed(
  directory: string,
  name: string,
  access: Pick<Access, "ignored">,
): Promise<Seed | undefined> {
  if (!existsSync(directory)) return undefined;
  const userdata = readInside(directory, USER_DATA);
  const meta = readOptional(directory, META_DATA, access);
  if (userdata === undefined && meta === undefined) {
    access.ignored(`${name}: holds neither ${USER_DATA} nor ${META_DATA}`);
    return undefined;
  }
  for (const unused of UNUSED) {
    if (existsSync(join(directory, unused))) access.ignored(`${name}: ${unused} is not used`);
  }
  return {
    userdata: userdata?.length === 0 ? undefined : userdata,
    meta: meta === undefined ? {} : await parseMetaData(meta, `${name}: ${META_DATA}`, access),
  };
}

/** An error with this file must not cause the loss of the user data. */
function readOptional(directory: string, name: string, access: Pick<Access, "ignored">): Buffer | undefined {
  try {
    return readInside(directory, name);
  } catch (error) {
    access.ignored(messageOf(error));
    return undefined;
  }
}

/** Reads the seed that a line names. It was requested explicitly, so it is an error if it cannot be read. */
async function readSeedFrom(from: string, access: Access): Promise<Seed> {
  const shown = maskUrl(from);
  if (!from.endsWith("/")) throw new CommandError(`The seed "${shown}" must end in "/"`);
  const seed = /^https?:/i.test(from)
    ? await fetchSeed(from, access)
    : await readSeed(inRoot(access, seedPath(from)), shown, access);
  if (seed !== undefined) return seed;
  throw new CommandError(`The seed "${shown}" holds neither ${USER_DATA} nor ${META_DATA}`);
}

function seedPath(from: string): string {
  if (from.startsWith("/")) return from;
  if (/^file:/i.test(from)) return fileURLToPath(from);
  throw new CommandError(`Cannot read the seed "${maskUrl(from)}": expected an http or https URL, or a path`);
}

async function fetchSeed(base: string, access: Access): Promise<Seed | undefined> {
  const [userdata, meta] = await Promise.all([
    access.fetch(base + USER_DATA),
    fetchOptional(base + META_DATA, access),
  ]);
  if (userdata === undefined && meta === undefined) return undefined;
  return {
    userdata: userdata?.length === 0 ? undefined : userdata,
    meta: meta === undefined ? {} : await parseMetaData(meta, maskUrl(base + META_DATA), access),
  };
}

async function fetchOptional(url: string, access: Access): Promise<Buffer | undefined> {
  try {
    return await access.fetch(url);
  } catch (error) {
    access.ignored(messageOf(error));
    return undefined;
  }
}
