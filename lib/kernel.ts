/** What k3OS and k3s need of a kernel that is not ours, and how one finds out whether it can do that. */

/** What is known of a kernel; each is undefined where it cannot be read, texts are as the kernel or its package have them. */
export interface KernelSources {
  /** `uname -r` */
  readonly version: string;
  /** It is the one that runs: what it does not list, it does not have, unless a module brings it. */
  readonly running: boolean;
  /** `/proc/filesystems` */
  readonly filesystems?: string | undefined;
  /** `/proc/devices` */
  readonly devices?: string | undefined;
  /** `/proc/cgroups` */
  readonly cgroups?: string | undefined;
  /** `cgroup.controllers` at the root of the unified hierarchy. */
  readonly controllers?: string | undefined;
  /** `/proc/config.gz`, unpacked, or `/boot/config-VERSION`. */
  readonly config?: string | undefined;
  /** `modules.builtin` and `modules.dep` of `lib/modules/VERSION`. */
  readonly builtin?: string | undefined;
  readonly modules?: string | undefined;
}

/** `off`: it is there, but has been switched off on the kernel's command line. */
type Answer = "yes" | "no" | "off" | "unknown";

/** Something that a kernel must be able to do. */
interface Feature {
  readonly name: string;
  /** Option of the kernel's configuration, without `CONFIG_`. */
  readonly option: string;
  /** The module that brings it where it is not built in. */
  readonly module?: string;
  /** What the running kernel itself says; undefined: nothing about it. */
  readonly listed: (kernel: KernelSources) => Answer | undefined;
}

const FEATURES: readonly Feature[] = [
  { name: "squashfs", option: "SQUASHFS", module: "squashfs", listed: fileSystem("squashfs") },
  { name: "squashfs with zlib", option: "SQUASHFS_ZLIB", listed: () => undefined },
  { name: "loop devices", option: "BLK_DEV_LOOP", module: "loop", listed: blockDevice("loop") },
  { name: "overlay", option: "OVERLAY_FS", module: "overlay", listed: fileSystem("overlay") },
  { name: "cgroup controller cpu", option: "CGROUP_SCHED", listed: controller("cpu") },
  { name: "cgroup controller cpuset", option: "CPUSETS", listed: controller("cpuset") },
  { name: "cgroup controller memory", option: "MEMCG", listed: controller("memory") },
  { name: "cgroup controller pids", option: "CGROUP_PIDS", listed: controller("pids") },
];

/** What a kernel lacks, what of it has been switched off, and what nobody can tell; names are for people. */
export interface KernelReport {
  readonly missing: readonly string[];
  readonly off: readonly string[];
  readonly unknown: readonly string[];
}

export function inspectKernel(kernel: KernelSources): KernelReport {
  const answers = FEATURES.map((feature) => ({ name: feature.name, answer: answerOf(feature, kernel) }));
  const names = (wanted: Answer) => answers.filter(({ answer }) => answer === wanted).map(({ name }) => name);
  return { missing: names("no"), off: names("off"), unknown: names("unknown") };
}

function answerOf({ option, module, listed }: Feature, kernel: KernelSources): Answer {
  const said = listed(kernel);
  if (said === "yes" || said === "off") return said;
  const configured = configuredAs(kernel.config, option);
  if (configured === "y") return "yes";
  if (configured === "n") return "no";
  const loadable = module === undefined ? undefined : hasModule(kernel, module);
  if (loadable !== undefined) return loadable ? "yes" : "no";
  if (configured === "m") return "unknown"; // its modules may be elsewhere
  return said ?? "unknown";
}

function configuredAs(config: string | undefined, option: string): "y" | "m" | "n" | undefined {
  if (config === undefined) return undefined;
  const value = new RegExp(`^CONFIG_${option}=([ym])$`, "m").exec(config)?.[1];
  return value === "y" || value === "m" ? value : "n";
}

/** Whether a module is there or built in; undefined where no list of modules is. */
function hasModule({ builtin, modules }: KernelSources, name: string): boolean | undefined {
  if (builtin === undefined && modules === undefined) return undefined;
  const file = new RegExp(`(^|/)${name}\\.ko(\\.\\w+)?(:|$)`, "m");
  return file.test(builtin ?? "") || file.test(modules ?? "");
}

function fileSystem(type: string): Feature["listed"] {
  return ({ filesystems }) => listedIn(filesystems, new RegExp(`\\t${type}$`, "m"));
}

/** `/proc/devices` names drivers of block devices behind the heading for them. */
function blockDevice(driver: string): Feature["listed"] {
  return ({ devices }) =>
    listedIn(devices?.slice(devices.indexOf("Block devices:")), new RegExp(`^ *\\d+ ${driver}$`, "m"));
}

function listedIn(text: string | undefined, entry: RegExp): Answer | undefined {
  if (text === undefined) return undefined;
  return entry.test(text) ? "yes" : "no";
}

/** By cgroups(7); newer kernels leave those out of `/proc/cgroups` that only the unified hierarchy has. */
function controller(name: string): Feature["listed"] {
  return ({ cgroups, controllers }) => {
    if (controllers?.split(/\s+/).includes(name)) return "yes";
    const enabled = new RegExp(`^${name}\\t\\d+\\t\\d+\\t([01])$`, "m").exec(cgroups ?? "")?.[1];
    if (enabled !== undefined) return enabled === "1" ? "yes" : "off";
    return cgroups === undefined ? undefined : "no";
  };
}
