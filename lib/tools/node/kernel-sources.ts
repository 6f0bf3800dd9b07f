import { existsSync, readdirSync } from "node:fs";
import { release } from "node:os";
import { gunzipSync } from "node:zlib";
import { readInRoot } from "../fs/links.ts";
import { readIfThere, readTextIfThere } from "../fs/read-bounded.ts";
import type { KernelSources } from "./kernel-features.ts";

/** The facts about the running kernel, from itself and from its root. */
export function runningKernel(): KernelSources {
  const version = release();
  const config = readIfThere("/proc/config.gz");
  return {
    version,
    running: true,
    filesystems: readTextIfThere("/proc/filesystems"),
    devices: readTextIfThere("/proc/devices"),
    cgroups: readTextIfThere("/proc/cgroups"),
    controllers:
      readTextIfThere("/sys/fs/cgroup/cgroup.controllers") ??
      readTextIfThere("/sys/fs/cgroup/unified/cgroup.controllers"),
    namespaces: namesIn("/proc/self/ns"),
    sysctls: namesIn("/proc/sys/kernel"),
    loaded: namesIn("/sys/module"),
    ...installedKernel("/", version),
    ...(config && { config: gunzipSync(config).toString() }),
  };
}

function namesIn(directory: string): readonly string[] | undefined {
  return existsSync(directory) ? readdirSync(directory) : undefined;
}

/** The facts about a kernel in a root file system. Fedora and k3OS keep its configuration beside its modules. */
export function installedKernel(root: string, version: string) {
  return {
    config: readInRoot(root, `boot/config-${version}`) ?? readInRoot(root, `lib/modules/${version}/config`),
    builtin: readInRoot(root, `lib/modules/${version}/modules.builtin`),
    modules: readInRoot(root, `lib/modules/${version}/modules.dep`),
  };
}
