import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FIRST_PARTITION } from "../../lib/tools/disk/partitions.ts";
import { GIB } from "../../lib/tools/fs/size.ts";
import { output } from "./disk.ts";

/** Of the state file system, which the first boot need not grow any more. */
const SIZE = 12 * GIB;
/** Where k3s has the images of a node, below the state file system. */
const STORE = "k3os/data/var/lib/rancher/k3s/agent/containerd";

/**
 * Imports archives into the image store of a disk, by the containerd of the k3s that will use it: what takes seconds here
 * takes half an hour on an emulated processor. The disk grows to hold them. Needs root.
 */
export function importImages(disk: string, archives: readonly string[], k3s: string): void {
  output(["truncate", "--size", String(SIZE), disk]);
  output(["sfdisk", "--quiet", "-N", "1", disk], ", +\n");
  const scratch = mkdtempSync(join(tmpdir(), "k3os-store-"));
  const root = join(scratch, "root");
  mkdirSync(root);
  const loop = output(["losetup", "--find", "--show", "--offset", String(FIRST_PARTITION), disk]);
  try {
    output(["sh", "-c", `e2fsck -fp ${loop} >&2 || [ $? -le 1 ]; resize2fs ${loop} 2>&1`]);
    output(["mount", loop, root]);
    try {
      output(["sh", "-c", IMPORT, "import", k3s, scratch, join(root, STORE), ...archives]);
    } finally {
      output(["umount", root]);
    }
  } finally {
    output(["losetup", "--detach", loop]);
    rmSync(scratch, { recursive: true });
  }
}

/** Runs containerd as long as it imports. Its arguments: k3s, a scratch directory, the store, the archives. */
const IMPORT = `set -e
k3s=$1 scratch=$2 store=$3; shift 3
mkdir -p "$store"
"$k3s" --data-dir "$scratch/k3s" ctr --version >/dev/null 2>&1
bin=$scratch/k3s/data/current/bin
export CONTAINERD_ADDRESS="$scratch/socket"
# its socket would be that of this machine
printf 'version = 3\\n[plugins."io.containerd.nri.v1.nri"]\\ndisable = true\\n' >"$scratch/config.toml"
"$bin/containerd" --config "$scratch/config.toml" --root "$store" --state "$scratch/state" \\
  --address "$CONTAINERD_ADDRESS" >"$scratch/log" 2>&1 &
trap 'kill $!; wait' EXIT
until "$bin/ctr" version >/dev/null 2>&1; do kill -0 $! || { cat "$scratch/log" >&2; exit 1; }; sleep 0.5; done
for archive; do "$bin/ctr" --namespace k8s.io images import "$archive" >&2; done`;
