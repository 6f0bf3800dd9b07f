/** A device as lsblk(8) has it, as far as it matters to a test. */
interface Sample {
  readonly path: string;
  /** Default `disk`. */
  readonly type?: string;
  readonly children?: readonly Sample[];
}

/** What `lsblk --json --bytes` prints of devices. */
export function lsblkOutput(...devices: readonly Sample[]): string {
  return JSON.stringify({ blockdevices: devices.map(rawDevice) });
}

function rawDevice({ path, type = "disk", children = [] }: Sample): object {
  const nothing = { model: null, serial: null, tran: null, mountpoints: [null] };
  return { path, type, size: 4096, ro: false, rm: false, ...nothing, children: children.map(rawDevice) };
}
