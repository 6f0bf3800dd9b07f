import { describe, expect, test } from "bun:test";
import { findProblems, type OverlayTarball } from "../../../lib/overlay/find-problems.ts";
import type { OverlayFacts } from "../../../lib/overlay/overlay-facts.ts";
import { OWN_K3S } from "../../../lib/tools/release/k3s-release.ts";
import { NETWORK_CONFIG } from "../../support/kernel-config.ts";

const GIB = 2 ** 30;
const AARCH64 = 183;
const ARM = 40;

/** A board that is fit for it. */
const FACTS: OverlayFacts = {
  root: "/",
  mode: undefined,
  machine: AARCH64,
  kernelMachine: "aarch64",
  kernels: [
    {
      version: "6.12.0",
      running: true,
      filesystems: "\tsquashfs\nnodev\toverlay\nnodev\tcgroup2\n",
      devices: "Block devices:\n  7 loop\n",
      cgroups: "cpu\t0\t1\t1\ncpuset\t0\t1\t1\nmemory\t0\t1\t1\npids\t0\t1\t1\n",
      config: `CONFIG_SQUASHFS_ZLIB=y\n${NETWORK_CONFIG}`,
    },
  ],
  otherInit: undefined,
  blocked: [],
  apart: [],
  readOnly: false,
  fileSystem: "ext4",
  free: 4 * GIB,
  words: ["console=tty1"],
};
const ARM64: OverlayTarball = { arch: "arm64", size: 0.3 * GIB };

const refusals = (facts: Partial<OverlayFacts>, tarball: Partial<OverlayTarball> = {}) =>
  findProblems({ ...ARM64, ...tarball }, { ...FACTS, ...facts }).refusals;

describe("findProblems()", () => {
  test("finds none with a board that is fit", () => {
    expect(findProblems(ARM64, FACTS)).toEqual({ refusals: [], warnings: [] });
  });

  test.each([
    ["k3OS already", { mode: "local" }, "This is k3OS already: upgrade it with k3os-upgrade-rootfs"],
    ["read-only", { readOnly: true }, '"/" is mounted read-only: mount -o remount,rw /'],
    ["a root in memory", { fileSystem: "tmpfs" }, '"/" is on tmpfs: files there do not survive'],
    ["a directory for a name", { blocked: ["sbin/init"] }, '"/sbin/init" is in the way: move it away'],
    ["a file system of its own", { apart: ["sbin"] }, '"/sbin" is on a separate file system'],
    ["another init program", { otherInit: "/linuxrc" }, 'command line starts "/linuxrc": remove init='],
    ["too little room", { free: 0.5 * GIB }, '"/" has 512 MiB free, about 870 MiB are needed'],
    ["no programs", { machine: undefined }, '"/" contains no Linux: /bin/sh is missing'],
    ["an unknown machine", { kernelMachine: "armv6l" }, "This machine is armv6l, which k3OS is not made for"],
  ] as const)("refuses %s", (_, facts, message) => {
    const found = refusals(facts);
    expect(found.length).toBe(1);
    expect(found[0]).toContain(message);
  });

  test("says everything at once", () => {
    expect(refusals({ readOnly: true, apart: ["sbin"] }).length).toBe(2);
  });

  test("wants the tarball of the machine's own architecture", () => {
    expect(refusals({}, { arch: "arm" })).toEqual(['The tarball is for arm, "/" is for arm64']);
    expect(refusals({}, { arch: "amd64" })).toEqual(['The tarball is for amd64, "/" is for arm64']);
  });

  test("takes either tarball where a 64-bit kernel runs 32-bit programs", () => {
    for (const arch of ["arm", "arm64"] as const) expect(refusals({ machine: ARM }, { arch })).toEqual([]);
  });

  test("goes by the programs in a root that is mounted elsewhere", () => {
    const facts = { root: "/mnt", machine: ARM, kernelMachine: undefined };
    expect(refusals(facts, { arch: "arm" })).toEqual([]);
    expect(refusals(facts)).toEqual(['The tarball is for arm64, "/mnt" is for arm']);
  });

  test("refuses a kernel that lacks something, and names both", () => {
    const kernels = FACTS.kernels.map((kernel) => ({
      ...kernel,
      filesystems: "nodev\toverlay\nnodev\tcgroup2\n",
    }));
    expect(refusals({ kernels })).toEqual(["Kernel 6.12.0 lacks squashfs"]);
  });

  test("warns of a memory controller that is off, unless the next start has it", () => {
    const kernels = FACTS.kernels.map((kernel) => ({
      ...kernel,
      cgroups: kernel.cgroups?.replace("memory\t0\t1\t1", "memory\t0\t1\t0"),
    }));
    const { refusals, warnings } = findProblems(ARM64, { ...FACTS, kernels });
    expect(refusals).toEqual([]);
    expect(warnings[0]).toContain('add "cgroup_enable=memory cgroup_memory=1" to its command line');
    const words = ["cgroup_enable=memory"];
    expect(findProblems(ARM64, { ...FACTS, kernels, words }).warnings).toEqual([]);
  });

  test("warns of a kernel with which pods have no network", () => {
    const config = `CONFIG_SQUASHFS_ZLIB=y\n${NETWORK_CONFIG}`.replace("CONFIG_VXLAN=y\n", "");
    const kernels = FACTS.kernels.map((kernel) => ({ ...kernel, config }));
    const { refusals, warnings } = findProblems(ARM64, { ...FACTS, kernels });
    expect([refusals, warnings.length]).toEqual([[], 1]);
    expect(warnings[0]).toStartWith("Kernel 6.12.0 lacks vxlan: pods have no network");
  });

  test("refuses cgroups of version 1, which k3s no longer supports", () => {
    const kernels = FACTS.kernels.map((kernel) => ({
      ...kernel,
      filesystems: kernel.filesystems?.replace("nodev\tcgroup2\n", ""),
    }));
    expect(refusals({ kernels })).toEqual([
      `Kernel 6.12.0 has no cgroups of version 2, which k3s ${OWN_K3S} needs: boot a kernel from 4.15 on`,
    ]);
    const words = ["console=tty1", "systemd.unified_cgroup_hierarchy=0"];
    expect(refusals({ words })).toEqual([
      `k3s ${OWN_K3S} needs cgroups of version 2: remove ${words[1]} from the kernel command line`,
    ]);
  });

  test("warns of a kernel on which pods do not start", () => {
    const without = (option: string) =>
      FACTS.kernels.map((kernel) => ({ ...kernel, config: kernel.config?.replace(`${option}=y\n`, "") }));
    const warningsOf = (option: string) =>
      findProblems(ARM64, { ...FACTS, kernels: without(option) }).warnings;
    expect(warningsOf("CONFIG_SECCOMP")).toEqual(["Kernel 6.12.0 lacks seccomp: pods do not start"]);
    expect(warningsOf("CONFIG_NETFILTER_XT_MATCH_IPVS")[0]).toContain("xt_ipvs");
  });

  test("warns of kernels of which nothing is known", () => {
    expect(findProblems(ARM64, { ...FACTS, kernels: [] }).warnings).toEqual([
      "What its kernel can do is not known: it has no modules",
    ]);
  });
});
