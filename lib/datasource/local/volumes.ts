import { mkdirSync, mkdtempSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { mounted, type Opened } from "../../tools/disk/mount.ts";
import { inRoot, PATH } from "../../tools/host/paths.ts";
import { messageOf } from "../../tools/text/errors.ts";
import type { Access } from "../data-source.ts";
import type { LabelledDevice } from "../platform.ts";

/** Usual file systems of configuration media, in the order of the attempts if the type is unknown. */
const TYPES: readonly string[] = ["iso9660", "vfat"];

type VolumeAccess = Pick<Access, "root" | "run" | "ignored">;

/** Whether a device has this label, in upper or lower case: FAT labels are often in capitals. */
export function isLabelled({ label }: LabelledDevice, expected: string): boolean {
  return label.toLowerCase() === expected;
}

/**
 * The result of `read` on the first of several devices that has one; `read` gets the directory of the mounted device.
 * An unreadable device does not hide the next one. Throws its error if no other device has a result.
 */
export async function searchVolumes<T>(
  devices: readonly LabelledDevice[],
  read: (directory: string, device: LabelledDevice) => T | undefined | Promise<T | undefined>,
  access: VolumeAccess,
): Promise<T | undefined> {
  let failure: unknown;
  for (const device of devices) {
    if (device.type !== "" && !TYPES.includes(device.type)) {
      access.ignored(`${device.path}: found the file system ${device.type}, expected ${TYPES.join(" or ")}`);
      continue;
    }
    try {
      await using volume = await openVolume(device, access);
      const found = await read(volume.path, device);
      if (found !== undefined) return found;
    } catch (error) {
      access.ignored(`${device.path}: ${messageOf(error)}`);
      // an optical drive without a recognised file system is most likely empty
      if (device.type !== "") failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
  return undefined;
}

/** Mounts a device, read-only and in a private directory, until the scope ends. */
async function openVolume(device: LabelledDevice, access: Pick<Access, "root" | "run">): Promise<Opened> {
  const runtime = inRoot(access, PATH.runtime);
  mkdirSync(runtime, { recursive: true });
  const directory = mkdtempSync(join(runtime, "volume-")); // for root only: user data may hold secrets
  try {
    const type = device.type === "" ? TYPES.join(",") : device.type;
    const mount = await mounted(
      device.path,
      directory,
      { type, flags: ["ro", "nosuid", "nodev", "noexec"] },
      access,
    );
    return {
      path: directory,
      [Symbol.asyncDispose]: async () => {
        await mount[Symbol.asyncDispose]();
        rmdirSync(directory);
      },
    };
  } catch (error) {
    rmdirSync(directory);
    throw error;
  }
}
