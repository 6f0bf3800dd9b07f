import type { Options, Values } from "../tools/cli/cli.ts";
import { COMPONENTS, type Component, PATH } from "../tools/host/paths.ts";
import { UsageError } from "../tools/text/errors.ts";
import { KEEP_OPTIONS, keepCount, SKEW_OPTION } from "./upgrade-settings.ts";

/** The options of `k3os upgrade`; existing Plans use these names and variables of the original. */
export const COPY_OPTIONS = {
  rootfs: { type: "boolean", help: "upgrade k3os and k3s", env: "K3OS_UPGRADE_ROOTFS" },
  kernel: { type: "boolean", help: "upgrade the kernel", env: "K3OS_UPGRADE_KERNEL" },
  k3os: { type: "boolean", help: "upgrade k3os alone", env: "K3OS_UPGRADE_K3OS" },
  k3s: { type: "boolean", help: "upgrade k3s alone", env: "K3OS_UPGRADE_K3S" },
  remount: {
    type: "boolean",
    help: "remount the destination writable for the upgrade",
    env: "K3OS_UPGRADE_REMOUNT",
  },
  sync: { type: "boolean", help: "accepted and ignored: always done", env: "K3OS_UPGRADE_SYNC" },
  reboot: { type: "boolean", help: "reboot if anything changed", env: "K3OS_UPGRADE_REBOOT" },
  source: {
    type: "string",
    value: "DIR",
    help: "system directory to copy from",
    env: "K3OS_UPGRADE_SOURCE",
  },
  destination: {
    type: "string",
    value: "DIR",
    help: `system directory to upgrade (default on a node: ${PATH.system})`,
    env: "K3OS_UPGRADE_DESTINATION",
  },
  "lock-file": {
    type: "string",
    value: "FILE",
    help: `lock held during an upgrade (default: ${PATH.upgradeLock})`,
    env: "K3OS_UPGRADE_LOCK_FILE",
  },
  ...KEEP_OPTIONS,
  check: { type: "boolean", help: "check whether the upgrade may be made now, and exit" },
  "after-plan": {
    type: "string",
    multiple: true,
    value: "PLAN",
    help: "in a job: wait until this Plan is complete",
  },
  ...SKEW_OPTION,
  force: { type: "boolean", help: "retry a version that failed on this node" },
  "dry-run": { type: "boolean", help: "show what would be done" },
} as const satisfies Options;

export interface CopySettings {
  /** In the order of the copies. */
  readonly components: readonly Component[];
  readonly source: string;
  readonly destination: string;
  readonly keep: number;
}

/**
 * Throws UsageError if no component is chosen, or the source is missing, or the destination where there is no default.
 */
export function copySettings(
  values: Values<typeof COPY_OPTIONS>,
  { onNode }: { readonly onNode: boolean },
): CopySettings {
  const chosen: Readonly<Record<Component, boolean>> = {
    k3os: values.rootfs || values.k3os,
    k3s: values.rootfs || values.k3s,
    kernel: values.kernel,
  };
  const components = COMPONENTS.filter((component) => chosen[component]);
  const { source, destination = onNode ? PATH.system : undefined } = values;
  if (components.length === 0)
    throw new UsageError("Nothing to upgrade: expected --rootfs, --kernel or both");
  if (source === undefined)
    throw new UsageError("Missing --source: expected the directory of the new versions");
  if (destination === undefined)
    throw new UsageError("Missing --destination: expected the system directory to upgrade");
  return { components, source, destination, keep: keepCount(values.keep) };
}
