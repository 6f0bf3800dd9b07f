import { readFileSync, statSync } from "node:fs";
import { inRoot, PATH } from "../../tools/host/paths.ts";
import { defineCheck, type Verdict } from "../doctor-check.ts";

/** Who may read a file: the owner is root. */
export interface Readers {
  readonly mode: number;
  /** The name of its group, or its number. */
  readonly group: string;
}

export const kubeconfig = defineCheck({
  name: "kubeconfig",
  only: "k3OS",
  facts: (host): Readers | undefined => {
    const found = statSync(inRoot(host, PATH.adminKubeconfig), { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    const groups = readFileSync(inRoot(host, "/etc/group"), "utf8");
    return { mode: found.mode & 0o777, group: nameOfGroup(found.gid, groups) };
  },
  judge: judgeKubeconfig,
});

/** The name of a group in the text of /etc/group, else its number. */
export function nameOfGroup(gid: number, groups: string): string {
  const line = groups.split("\n").find((candidate) => candidate.split(":")[2] === String(gid));
  return line?.split(":")[0] ?? String(gid);
}

/** The administrator's kubeconfig has all rights in the cluster. */
export function judgeKubeconfig({ mode, group }: Readers): Verdict {
  const octal = mode.toString(8).padStart(4, "0");
  if ((mode & 0o004) !== 0) {
    return {
      state: "warning",
      message: `${PATH.adminKubeconfig} has mode ${octal}: every account, and every pod that mounts /etc, can administer the cluster`,
      hint: "remove write-kubeconfig-mode and K3S_KUBECONFIG_MODE from the configuration: 0640 is the default",
    };
  }
  const readers = (mode & 0o040) === 0 || group === "root" ? "root" : `root and the group ${group}`;
  return { state: "ok", message: `readable by ${readers} (mode ${octal})` };
}
