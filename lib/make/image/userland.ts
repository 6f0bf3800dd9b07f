import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cmd } from "../../tools/host/cmd.ts";
import { hostTarget, type Target } from "../../tools/host/targets.ts";
import { CommandError } from "../../tools/text/errors.ts";
import { APT_PACKAGES, APT_VARIABLES, openAptRoot } from "../build/apt.ts";
import { type Made, partOf, type Step } from "../build/build-step.ts";
import type { BuildContext } from "../build/context.ts";
import { SUITE, userlandPackages } from "./debian-packages.ts";
import { systemAccountFiles, unexpectedAccounts } from "./image-accounts.ts";
import { nativePerl } from "./native-perl.ts";
import { makePostponed, POSTPONE_HOOK } from "./postponed-files.ts";

/** Paths that dpkg does not unpack, which is faster than removing them afterwards. */
const NOT_UNPACKED = ["man", "doc", "info", "locale", "lintian", "bug", "gtk-doc"].map(
  (name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`,
);

/** When mmdebstrap ends in any way, its processes and mounts in the root end with it. */
const NAMESPACES = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];

interface UserlandInput extends Pick<Target, "arch" | "debian"> {
  readonly sourceDateEpoch: number;
}

const userlandStep: Step<UserlandInput> = {
  module: import.meta.filename,
  packages: ({ arch }) => [
    ...[...APT_PACKAGES, "mmdebstrap", "udev", "util-linux"],
    ...(isEmulated(arch) ? ["arch-test", "libc-bin", "perl-base", "qemu-user-static"] : []),
  ],
  variables: APT_VARIABLES,
  shared: true,
  make: async ({ arch, debian, sourceDateEpoch }, into, { host }) => {
    if (process.getuid?.() !== 0) {
      throw new CommandError(
        "Building the userland needs root, since files get owners and programs run in it",
        {
          hint: "run the build as root, or in a container",
        },
      );
    }
    const perl = isEmulated(arch) ? await nativePerl(host) : undefined;
    const files = systemAccountFiles();
    const hooks = (["passwd", "shadow", "group"] as const).map((name) => {
      writeFileSync(join(into, name), files[name]);
      return `--essential-hook=cat '${join(into, name)}' >> "$1/etc/${name}"`;
    });
    await using apt = await openAptRoot({ suite: SUITE, arch: debian }, host);
    const binary = apt.sources.filter((line) => line.startsWith("deb "));
    const root = join(into, "root");
    const perlHook = perl === undefined ? [] : [`--essential-hook=${perl.hook}`];
    const bootstrap = cmd`
      ${NAMESPACES}
        mmdebstrap --quiet --mode=root --variant=essential --architectures=${debian}
        ${'--aptopt=APT::Install-Recommends "false"'} ${NOT_UNPACKED} ${hooks}
        --essential-hook=${POSTPONE_HOOK} ${perlHook}
        --include=${userlandPackages(arch).join(",")} ${SUITE} ${root} ${binary}
    `;
    await host.run(bootstrap, { env: { SOURCE_DATE_EPOCH: String(sourceDateEpoch) } });
    await perl?.remove(root);
    await makePostponed(root, host);
    refuseUnexpected(root);
  },
};

/**
 * Installs Debian's packages into a directory and returns it: a complete root file system of Debian.
 * Needs root. Nothing is stripped: build tools (GRUB's) run from it.
 */
export async function installUserland(
  { arch, debian }: Target,
  { make, sourceDateEpoch }: Pick<BuildContext, "make" | "sourceDateEpoch">,
): Promise<Made> {
  const input = { arch, debian, sourceDateEpoch };
  return partOf(await make(userlandStep, { name: `userland-${arch}`, input }), "root");
}

function isEmulated(arch: Target["arch"]): boolean {
  return arch !== hostTarget().arch;
}

/** Accounts own files on the disks of nodes, so each needs a permanent id. */
function refuseUnexpected(root: string): void {
  const read = (name: string) => readFileSync(join(root, "etc", name), "utf8");
  const unexpected = unexpectedAccounts({ passwd: read("passwd"), group: read("group") });
  if (unexpected.length > 0) {
    throw new CommandError(`Packages made accounts whose ids are not fixed: ${unexpected.join(", ")}`, {
      hint: "enter them in lib/make/image/image-accounts.ts",
    });
  }
}
