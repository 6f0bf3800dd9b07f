import { existsSync } from "node:fs";
import { join } from "node:path";
import { elfMachine } from "../fs/elf-machine.ts";
import type { Host } from "../host/host.ts";
import { type Component, FILE } from "../host/paths.ts";
import { type Consumer, maskUrl, type ReceiveOptions, receive } from "../http/http.ts";
import { CommandError, during } from "../text/errors.ts";
import type { Part, Stage } from "./stage.ts";
import { openUnpacker } from "./unpacker.ts";

export interface UnpackOptions extends Pick<ReceiveOptions, "onProgress" | "maxBytes" | "plainRedirects"> {
  /** The path of `/k3os/system`. */
  readonly system: string;
  /** What is unpacked of what the archive holds. */
  readonly components: readonly Component[];
  /** Hexadecimal digest that the archive must have; undefined where the user trusts anyone, and there is none. */
  readonly sha256?: string | undefined;
  /** The version that a wanted k3os must have; undefined where nobody vouches for one. */
  readonly version: string | undefined;
  /** ELF `e_machine` that the executable of k3os must be for. */
  readonly elfMachine: number;
  readonly signal: AbortSignal;
}

/** Milliseconds for all of the archive: 350 MB through a slow line. */
const DEADLINE = 6 * 3_600_000;

/**
 * Downloads `k3os-rootfs-ARCH.tar.gz` and unpacks it while it comes, in constant memory, beside the versions that are
 * there. Only when all of it is on the disk and its digest is the one wanted do the new versions get their names; which
 * one is current does not change. On failure nothing is left. Throws HttpError or CommandError.
 */
export async function unpackRelease(
  url: string,
  options: UnpackOptions,
  host: Pick<Host, "log" | "clock" | "env" | "run">,
): Promise<readonly Part[]> {
  const { system, components, sha256, signal, onProgress, maxBytes, plainRedirects } = options;
  let unpacker = openUnpacker(system, components);
  const consumer: Consumer = {
    scratch: `${system}/k3os/.rootfs.partial`,
    write: (chunk) => during(unpacking(url), () => unpacker.write(chunk)),
    restart: async () => {
      await unpacker.discard();
      unpacker = openUnpacker(system, components);
    },
    finish: () => during(unpacking(url), () => unpacker.finish()),
  };
  const wanted: ReceiveOptions = {
    ...{ deadline: DEADLINE, signal },
    ...(sha256 && { sha256 }),
    ...(onProgress && { onProgress }),
    ...(maxBytes !== undefined && { maxBytes }),
    ...(plainRedirects && { plainRedirects }),
  };
  try {
    await receive(url, consumer, wanted, host);
    const stages = unpacker.stages();
    await during(unpacking(url), () => checkVersions(stages, options));
    signal.throwIfAborted(); // the last chance: what follows takes no time
    for (const stage of stages) await stage.publish();
    return stages.map((stage) => ({ component: stage.component, version: stage.version }));
  } catch (error) {
    await unpacker.discard();
    signal.throwIfAborted(); // what failed only because of that is not worth telling
    throw error;
  }
}

function checkVersions(
  stages: readonly Stage[],
  { components, version, elfMachine: wanted }: Pick<UnpackOptions, "components" | "version" | "elfMachine">,
): void {
  if (!components.includes("k3os")) return;
  const found = stages.find(({ component }) => component === "k3os");
  if (found === undefined) throw new CommandError("The archive holds no k3os");
  if (version !== undefined && found.version !== version) {
    throw new CommandError(`The archive holds k3os ${found.version}, but is signed as ${version}`);
  }
  const executable = join(found.path, FILE.executable);
  if (!existsSync(executable)) throw new CommandError(`The archive's k3os holds no "${FILE.executable}"`);
  if (elfMachine(executable) === wanted) return;
  throw new CommandError("The archive's k3os is for machines of another architecture");
}

function unpacking(url: string): string {
  return `Unpacking "${maskUrl(url)}"`;
}
