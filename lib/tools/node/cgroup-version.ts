import { minorOf } from "../release/k3s-release.ts";

/** The first Kubernetes minor whose kubelet refuses cgroups of version 1. */
const FIRST_WITHOUT_V1 = 35;

/** Whether a version of k3s only runs with cgroups of version 2; true for a text that is no version. */
export function needsUnifiedCgroups(k3s: string): boolean {
  const number = Number(minorOf(k3s)?.split(".")[1] ?? FIRST_WITHOUT_V1);
  return number >= FIRST_WITHOUT_V1;
}

/** The kernel parameters that make systemd mount cgroups of version 1 (systemd(1)). */
export function legacyCgroupWords(words: readonly string[]): string[] {
  return words.filter((word) => /^systemd\.unified_cgroup_hierarchy=(0|no|off|n|f|false)$/i.test(word));
}
