import { LABEL } from "../../tools/host/paths.ts";
import { formatBytes } from "../../tools/terminal/progress.ts";
import { CommandError } from "../../tools/text/errors.ts";
import type { FoundDevice } from "../devices.ts";

/** Progress of the search for the installed system. */
export interface StateSearch {
  /** UUID of its file system, from `k3os.state`; undefined if the boot menu is an old one or absent. */
  readonly uuid: string | undefined;
  /** No new device has appeared for a while. */
  readonly quiet: boolean;
  /** The time limit is reached. */
  readonly over: boolean;
}

export interface ChosenState {
  readonly device: FoundDevice;
  readonly by: "uuid" | "label";
  /** Other file systems with the label of an installed system. */
  readonly others: readonly FoundDevice[];
}

/**
 * Chooses the file system of the installed system: the one with the UUID. The label counts only if no UUID is known or
 * no file system with the UUID has appeared. Undefined: none yet. Throws CommandError with all candidates if there are
 * several, since the running kernel and the system could come from different disks.
 */
export function chooseState(
  devices: readonly FoundDevice[],
  { uuid, quiet, over }: StateSearch,
): ChosenState | undefined {
  const labelled = stateDevices(devices);
  const named = uuid === undefined ? undefined : deviceByUuid(devices, uuid);
  if (named !== undefined) {
    return { device: named, by: "uuid", others: labelled.filter((one) => one !== named) };
  }
  if (!over && (uuid !== undefined || !quiet)) return undefined;
  const [device, ...others] = labelled;
  if (device === undefined) return undefined;
  if (others.length === 0) return { device, by: "label", others };
  const found = labelled.map(describe).join(", ");
  throw new CommandError(
    `${labelled.length} file systems are labelled ${LABEL.state}, and nothing says which is the installed system: ${found}`,
    { hint: 'detach one, or add k3os.state=UUID to the line "linux" of the boot menu (press "e" there)' },
  );
}

/** The file system with this UUID. Throws CommandError with all of them if a disk and its copy are attached. */
export function deviceByUuid(devices: readonly FoundDevice[], uuid: string): FoundDevice | undefined {
  const found = distinct(
    devices.filter((device) => device.type === "ext" && device.uuid === uuid.toLowerCase()),
  );
  if (found.length <= 1) return found[0];
  throw new CommandError(
    `${found.length} file systems have the UUID ${uuid}, a disk and its copy: ${found.map(describe).join(", ")}`,
    { hint: "detach the copy; once it has a UUID of its own (tune2fs -U random), both may stay" },
  );
}

/** The file systems with the label of an installed system: first partitions, then whole disks. */
export function stateDevices(devices: readonly FoundDevice[]): FoundDevice[] {
  const labelled = devices.filter((device) => device.type === "ext" && device.label === LABEL.state);
  const partitions = labelled.filter((device) => device.partition);
  // a disk may still have an old signature at its start, from before it was partitioned
  const whole = labelled.filter(
    ({ partition, path }) => !partition && !partitions.some(({ disk }) => disk === path),
  );
  return distinct([...partitions, ...whole]);
}

/** Without further paths to the same disk, as in a storage network. */
function distinct(devices: readonly FoundDevice[]): FoundDevice[] {
  return devices.filter(({ identity }, at) => {
    return identity === undefined || devices.findIndex((other) => other.identity === identity) === at;
  });
}

function describe({ path, uuid, size }: FoundDevice): string {
  return `${path} (${size === undefined ? "" : `${formatBytes(size)}, `}UUID ${uuid})`;
}
