import { describe, expect, test } from "bun:test";
import { inspectKernel, type KernelSources } from "../../../../lib/tools/node/kernel-features.ts";
import { NETWORK_CONFIG, NETWORK_MODULES } from "../../../support/kernel-config.ts";

const CGROUPS = `#subsys_name\thierarchy\tnum_cgroups\tenabled
cpuset\t0\t57\t1
cpu\t0\t57\t1
memory\t0\t57\t1
pids\t0\t57\t1
`;

/** A running kernel with everything built in. */
const WHOLE: KernelSources = {
  version: "6.12.0",
  running: true,
  filesystems: "nodev\tsysfs\nnodev\tmqueue\nnodev\toverlay\n\text4\n\tsquashfs\n",
  devices: "Character devices:\n  1 mem\n\nBlock devices:\n  7 loop\n259 blkext\n",
  cgroups: CGROUPS,
  config: `CONFIG_SQUASHFS=y\nCONFIG_SQUASHFS_ZLIB=y\n${NETWORK_CONFIG}`,
};

const MODULES = {
  builtin: "kernel/fs/ext4/ext4.ko\nkernel/drivers/block/loop.ko\n",
  modules: `kernel/fs/squashfs/squashfs.ko.xz:\nkernel/fs/overlayfs/overlay.ko.xz: kernel/x.ko.xz\n${modulesDep([...NETWORK_MODULES, "xt_ipvs"])}`,
};
const NONE = { missing: [], off: [], unknown: [], network: [], pods: [], optional: [] };

function modulesDep(names: readonly string[]): string {
  return names.map((name) => `kernel/net/${name}.ko.xz:\n`).join("");
}

describe("inspectKernel()", () => {
  test("finds nothing wrong with a kernel that has all of it", () => {
    expect(inspectKernel(WHOLE)).toEqual(NONE);
  });

  test("takes modules for what is not loaded yet", () => {
    const kernel = {
      ...WHOLE,
      filesystems: "nodev\tmqueue\n\text4\n",
      devices: "Block devices:\n259 blkext\n",
      config: undefined,
    };
    expect(inspectKernel({ ...kernel, ...MODULES })).toEqual({ ...NONE, unknown: ["squashfs with zlib"] });
    expect(inspectKernel({ ...kernel, ...MODULES, modules: "" }).missing).toEqual(["squashfs", "overlay"]);
  });

  test("believes the running kernel where there is nothing else to go by", () => {
    const kernel = {
      ...WHOLE,
      filesystems: "nodev\tmqueue\n\text4\n",
      devices: "Block devices:\n",
      config: undefined,
    };
    expect(inspectKernel(kernel)).toEqual({
      ...NONE,
      missing: ["squashfs", "loop devices", "overlay"],
      unknown: ["squashfs with zlib"],
    });
  });

  test("does not take a character device for a block device", () => {
    const devices = "Character devices:\n  7 loop\n\nBlock devices:\n259 blkext\n";
    expect(inspectKernel({ ...WHOLE, devices }).missing).toEqual(["loop devices"]);
  });

  test("tells what is switched off from what is not there", () => {
    const cgroups = CGROUPS.replace("memory\t0\t57\t1", "memory\t0\t57\t0").replace(/^pids.*\n/m, "");
    expect(inspectKernel({ ...WHOLE, cgroups })).toEqual({
      ...NONE,
      missing: ["cgroup controller pids"],
      off: ["cgroup controller memory"],
    });
  });

  test("takes the unified hierarchy's word for controllers that the old list leaves out", () => {
    const cgroups = "#subsys_name\thierarchy\tnum_cgroups\tenabled\n";
    expect(inspectKernel({ ...WHOLE, cgroups, controllers: "cpuset cpu io memory pids\n" })).toEqual(NONE);
  });

  test("knows a kernel that does not run by its configuration and modules", () => {
    const config = [
      ...["CONFIG_SQUASHFS=m", "CONFIG_SQUASHFS_ZLIB=y", "CONFIG_BLK_DEV_LOOP=y", "CONFIG_OVERLAY_FS=m"],
      ...["CONFIG_CGROUP_SCHED=y", "CONFIG_CPUSETS=y", "CONFIG_MEMCG=y", "# CONFIG_CGROUP_PIDS is not set"],
      NETWORK_CONFIG,
    ].join("\n");
    const kernel = { version: "6.1.0", running: false, config };
    expect(inspectKernel({ ...kernel, ...MODULES })).toEqual({
      ...NONE,
      missing: ["cgroup controller pids"],
    });
    expect(inspectKernel(kernel).unknown).toEqual(["squashfs", "overlay"]);
  });

  test("knows nothing of a kernel of which nothing can be read", () => {
    const report = inspectKernel({ version: "6.1.0", running: false });
    expect([report.missing, report.off, report.unknown.length]).toEqual([[], [], 8]);
  });

  test("says what the network of k3s lacks", () => {
    const without = (...names: string[]) =>
      inspectKernel({
        ...WHOLE,
        ...MODULES,
        config: undefined,
        modules: modulesDep(NETWORK_MODULES.filter((name) => !names.includes(name))),
      }).network;
    expect(without()).toEqual([]);
    expect(without("vxlan", "xt_statistic")).toEqual(["vxlan", "xt_statistic"]);
    for (const name of NETWORK_MODULES) expect(without(name)).toHaveLength(1);
  });

  test("takes either of two ways for the rules of k3s, and what is loaded for what is there", () => {
    const kernel = { ...WHOLE, config: undefined, builtin: "" };
    const modules = NETWORK_MODULES.filter((name) => name !== "nft_compat" && name !== "veth");
    const old = ["ip_tables", "iptable_filter", "iptable_nat"];
    const found = (names: readonly string[]) =>
      inspectKernel({ ...kernel, modules: modulesDep([...modules, ...names]), loaded: ["veth"] }).network;
    expect(found(old)).toEqual([]);
    for (const name of old) {
      expect(found(old.filter((other) => other !== name))).toEqual([
        "nf_tables, or ip_tables with filter and nat",
      ]);
    }
  });

  test("says what containers lack, by the configuration or by the running kernel", () => {
    const config = WHOLE.config?.replace("CONFIG_SECCOMP=y\n", "").replace("CONFIG_CGROUP_DEVICE=y\n", "");
    expect(inspectKernel({ ...WHOLE, config }).pods).toEqual(["seccomp", "cgroup device"]);
    expect(inspectKernel({ ...WHOLE, config, sysctls: ["keys", "seccomp"] }).pods).toEqual(["cgroup device"]);
    const running = { ...WHOLE, config: undefined, namespaces: ["net", "pid", "ipc"], sysctls: [] };
    expect(inspectKernel({ ...running, filesystems: "\text4\n" }).pods).toEqual([
      ...["uts namespaces", "seccomp", "keyrings", "POSIX message queues"],
    ]);
  });

  test("tells apart what only some configurations of k3s need", () => {
    const config = WHOLE.config?.replace("CONFIG_NETFILTER_XT_MATCH_IPVS=y\n", "");
    expect(inspectKernel({ ...WHOLE, config })).toEqual({ ...NONE, optional: ["xt_ipvs"] });
  });
});
