import { basename } from "node:path";
import type { Host } from "../../tools/host/host.ts";
import { CommandError } from "../../tools/text/errors.ts";
import type { Step, StepContext } from "./build-step.ts";

/** The programs that steps run, by their Debian package. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  apt: ["apt-cache", "apt-config", "apt-get"],
  binutils: ["readelf"],
  coreutils: ["chroot", "cp", "env", "mv", "rmdir"],
  dpkg: ["dpkg-deb", "dpkg-divert", "dpkg-query"],
  kmod: ["depmod", "modinfo"],
  "libc-bin": ["ldd"],
  make: ["make"],
  mmdebstrap: ["mmdebstrap"],
  mtools: ["mcopy", "mformat", "mmd"],
  patch: ["patch"],
  "perl-base": ["perl"],
  pigz: ["pigz"],
  "squashfs-tools": ["mksquashfs"],
  tar: ["tar"],
  udev: ["systemd-hwdb"],
  "util-linux": ["unshare"],
  xorriso: ["xorriso"],
  "xz-utils": ["xz"],
  zstd: ["zstd"],
};

/** The compiler packages, and the required binutils, of one target. */
const COMPILER = /^[a-z0-9_]+-linux-gnu\w*-(gcc|strip)$/;

/** The proxies; downloaded content does not depend on them. */
const PROXY = /^(https?|all|no)_proxy$/i;

/** A step's view of the host: only the programs and variables that it declares. */
export function stepHost<I>(step: Step<I>, input: I, host: Host): StepContext["host"] {
  const packages = step.packages?.(input) ?? [];
  const programs = new Set([...packages.flatMap((name) => PROGRAMS[name] ?? []), ...(step.programs ?? [])]);
  const compiles = packages.some((name) => /^(gcc|g\+\+)(-|$)/.test(name));
  const declared = (program: string) =>
    programs.has(basename(program)) ||
    program === process.execPath ||
    (compiles && COMPILER.test(basename(program)));
  const { log, clock } = host;
  return {
    log,
    clock,
    env: Object.fromEntries(
      Object.entries(host.env).filter(([name]) => step.variables?.includes(name) || PROXY.test(name)),
    ),
    run: async (argv, options) => {
      const [program = ""] = argv;
      if (declared(program)) return host.run(argv, options);
      throw new CommandError(
        `The build step runs "${program}", which is in none of the packages that it declares`,
        {
          hint: `declare its package in ${step.module}, and the program in lib/make/build/step-host.ts`,
        },
      );
    },
  };
}
