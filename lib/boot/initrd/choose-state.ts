import { LABEL } from "../../tools/host/paths.ts";
import { formatBytes } from "../../tools/terminal/progress.ts";
import { CommandError } from "../../tools/text/errors.ts";
import type { FoundDevice } from "../devices.ts";

/** How far the search for the installed system has come. */
export interface StateSearch {
  /** Of its file system, as `k3os.state` tells it; undefined: the boot menu is an old one, or there is none. */
  readonly uuid: string | undefined;
  /** No further device has shown up for a while. */
  readonly quiet: boolean;
  /** The time for it is over. */
  readonly over: boolean;
}

export interface ChosenState {
  readonly device: FoundDevice;
  readonly by: "uuid" | "label";
  /** Other file systems that are labelled as an installed system. */
  readonly others: readonly FoundDevice[];
}

/**
 * Which file system is the installed system's: the one with the UUID; the one with the label only where no UUID is known,
 * or none has shown up that has it. Undefined: there is none, yet. Throws CommandError that names them all where several
 * could be it, since the kernel that runs may come from the one and the system from the other.
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

/** The file system with this UUID. Throws CommandError that names them all if a disk and a copy of it are attached. */
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

/** The file systems labelled as an installed system: partitions first, then whole disks. */
export function stateDevices(devices: readonly FoundDevice[]): FoundDevice[] {
  const labelled = devices.filter((device) => device.type === "ext" && device.label === LABEL.state);
  const partitions = labelled.filter((device) => device.partition);
  // what a disk had been before it got partitions may still be written at its start
  const whole = labelled.filter(
    ({ partition, path }) => !partition && !partitions.some(({ disk }) => disk === path),
  );
  return distinct([...partitions, ...whole]);
}

/** Without the further ways to the same disk, as a storage network has them. */
function distinct(devices: readonly FoundDevice[]): FoundDevice[] {
  return devices.filter(({ identity }, at) => {
    return identity === undefined || devices.findIndex((other) => other.identity === identity) === at;
  });
}

function describe({ path, uuid, size }: FoundDevice): string {
  return `${path} (${size === undefined ? "" : `${formatBytes(size)}, `}UUID ${uuid})`;
}
