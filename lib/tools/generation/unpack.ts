import { existsSync } from "node:fs";
import { join } from "node:path";
import { elfMachine } from "../fs/elf-machine.ts";
import type { Host } from "../host/host.ts";
import { type Component, FILE } from "../host/paths.ts";
import { type Consumer, maskUrl, type ReceiveOptions, receive } from "../http/http.ts";
import { CommandError, during } from "../text/errors.ts";
import type { Part, Stage } from "./stage.ts";
import { openUnpacker } from "./unpacker.ts";

export interface UnpackOptions
  extends Pick<ReceiveOptions, "onProgress" | "size" | "maxBytes" | "plainRedirects" | "limitRate"> {
  /** The path of `/k3os/system`. */
  readonly system: string;
  /** The components to unpack from the archive. */
  readonly components: readonly Component[];
  /**
   * The expected digest of the archive in hexadecimal; undefined if the user skips verification and no digest is known.
   */
  readonly sha256?: string | undefined;
  /** The expected version of k3os, if it is unpacked; undefined without a trusted version. */
  readonly version: string | undefined;
  /** The expected ELF `e_machine` of the k3os executable. */
  readonly elfMachine: number;
  readonly signal: AbortSignal;
  /** Further checks of the complete versions, before they get their names; a throw refuses all. */
  readonly check?: (stages: readonly Pick<Stage, "component" | "version" | "path">[]) => Promise<void>;
}

/** Milliseconds for the whole archive: 350 MB over a slow connection. */
const DEADLINE = 6 * 3_600_000;

/**
 * Downloads `k3os-rootfs-ARCH.tar.gz` and unpacks the stream, in constant memory, beside the existing versions. The new
 * versions only get their names when everything is on the disk and has the expected digest; the current versions do not
 * change. On failure nothing is left. Throws HttpError or CommandError.
 */
export async function unpackRelease(
  url: string,
  options: UnpackOptions,
  host: Pick<Host, "log" | "clock" | "env" | "run">,
): Promise<readonly Part[]> {
  const { system, components, sha256, signal, onProgress, size, maxBytes, plainRedirects, limitRate } =
    options;
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
  const receiveOptions: ReceiveOptions = {
    ...{ deadline: DEADLINE, signal },
    ...(sha256 && { sha256 }),
    ...(onProgress && { onProgress }),
    ...(size !== undefined && { size }),
    ...(maxBytes !== undefined && { maxBytes }),
    ...(plainRedirects && { plainRedirects }),
    limitRate,
  };
  try {
    await receive(url, consumer, receiveOptions, host);
    const stages = unpacker.stages();
    await during(unpacking(url), () => checkVersions(stages, options));
    await options.check?.(stages);
    signal.throwIfAborted(); // the last check: the rest takes no time
    for (const stage of stages) await stage.publish();
    return stages.map((stage) => ({ component: stage.component, version: stage.version }));
  } catch (error) {
    await unpacker.discard();
    signal.throwIfAborted(); // do not report errors that the abort has caused
    throw error;
  }
}

function checkVersions(
  stages: readonly Stage[],
  { components, version, elfMachine: expected }: Pick<UnpackOptions, "components" | "version" | "elfMachine">,
): void {
  if (!components.includes("k3os")) return;
  const found = stages.find(({ component }) => component === "k3os");
  if (found === undefined) throw new CommandError("The archive holds no k3os");
  if (version !== undefined && found.version !== version) {
    throw new CommandError(`The archive holds k3os ${found.version}, but is signed as ${version}`);
  }
  const executable = join(found.path, FILE.executable);
  if (!existsSync(executable)) throw new CommandError(`The archive's k3os holds no "${FILE.executable}"`);
  if (elfMachine(executable) === expected) return;
  throw new CommandError("The archive's k3os is for machines of another architecture");
}

function unpacking(url: string): string {
  return `Unpacking "${maskUrl(url)}"`;
}
