import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { type MountFlag, mount } from "../tools/host/sys.ts";

interface KernelMount {
  readonly type: string;
  readonly path: string;
  readonly flags: readonly MountFlag[];
  readonly data?: string;
}

/** The mounts that every stage needs first. `/run` carries state from the initrd to the running system. */
const KERNEL_MOUNTS: readonly KernelMount[] = [
  { type: "proc", path: "/proc", flags: ["nosuid", "nodev", "noexec"] },
  { type: "sysfs", path: "/sys", flags: ["nosuid", "nodev", "noexec"] },
  { type: "devtmpfs", path: "/dev", flags: ["nosuid"], data: "mode=0755" },
  { type: "tmpfs", path: "/run", flags: ["nosuid", "nodev"], data: "mode=0755,size=20%" },
];

/** Mounts the kernel's file systems that are not mounted yet (a foreign kernel or a container may have done it). */
export function mountKernelFileSystems(): void {
  for (const { type, path, flags, data } of KERNEL_MOUNTS) {
    mkdirSync(path, { recursive: true });
    if (isMounted(path, type)) continue;
    mount(type, path, { type, flags, ...(data === undefined ? {} : { data }) });
  }
}

/** The mount points of {@link mountKernelFileSystems}, in mount order. */
export const KERNEL_MOUNT_POINTS: readonly string[] = KERNEL_MOUNTS.map(({ path }) => path);

/** Whether a file system of this type is mounted at exactly this path. */
function isMounted(path: string, type: string): boolean {
  if (!existsSync("/proc/self/mounts")) return false;
  return parseMounts(readFileSync("/proc/self/mounts", "utf8")).some(
    (m) => m.path === path && m.type === type,
  );
}

export interface MountEntry {
  readonly source: string;
  readonly path: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** Parses /proc/self/mounts, where spaces in names are written as `\040` (fstab(5)). */
export function parseMounts(text: string): MountEntry[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [source = "", path = "", type = "", options = ""] = line.split(" ").map(unescapeField);
      return { source, path, type, options: options.split(",") };
    });
}

function unescapeField(field: string): string {
  return field.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
