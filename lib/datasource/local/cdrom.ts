import { existsSync } from "node:fs";
import { join } from "node:path";
import { LABEL } from "../../tools/host/paths.ts";
import type { Access, Metadata, Provider } from "../data-source.ts";
import type { LabelledDevice } from "../platform.ts";
import { readInside } from "./read-source-file.ts";
import { isLabelled, searchVolumes } from "./volumes.ts";

const SEED_LABEL = "cidata";
/** The first file that exists and is not empty. */
const NAMES = ["user-data", "config"];

/**
 * The original's source: user data from a medium labelled `cidata`, or from any disc. Like the original, it ignores the
 * host name and keys beside it, so that an upgrade does not rename a node; `nocloud` uses them.
 * https://github.com/linuxkit/linuxkit/blob/master/pkg/metadata/provider_cdrom.go
 */
export const cdrom: Provider = {
  name: "cdrom",
  title: "CDROM",
  kind: "local",
  recognises: ({ devices }) => devices.some((device) => isLabelled(device, SEED_LABEL)),
  read: (access) =>
    searchVolumes(
      candidates(access.platform.devices),
      (directory, { path }) => readDisc(directory, path, access),
      access,
    ),
};

/** Media made for this purpose come before other discs in a drive; our own medium is excluded. */
function candidates(devices: readonly LabelledDevice[]): LabelledDevice[] {
  const labelled = devices.filter((device) => isLabelled(device, SEED_LABEL));
  const drives = devices.filter(({ path, label }) => /^\/dev\/sr\d+$/.test(path) && label !== LABEL.medium);
  return [...new Set([...labelled, ...drives])];
}

/** Reads a disc that is mounted at a directory; undefined if it has no user data. */
export function readDisc(
  directory: string,
  device: string,
  access: Pick<Access, "ignored">,
): Metadata | undefined {
  for (const name of NAMES) {
    const userdata = readInside(directory, name);
    if (userdata === undefined || userdata.length === 0) continue;
    if (existsSync(join(directory, "meta-data"))) {
      access.ignored(`${device}: meta-data, which only the source nocloud takes`);
    }
    return { userdata };
  }
  access.ignored(`${device}: holds neither ${NAMES.join(" nor ")}`);
  return undefined;
}
