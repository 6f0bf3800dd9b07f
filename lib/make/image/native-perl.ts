import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { cmd } from "../../tools/host/cmd.ts";
import type { Host } from "../../tools/host/host.ts";
import { CommandError } from "../../tools/text/errors.ts";

/**
 * Uses this machine's own Perl in a root with an emulated processor, while packages are installed there: their scripts
 * start Perl hundreds of times, and each emulated start takes a second or two. The scripts load modules of the root,
 * which are the same for all architectures, except perl-base, which is provided. Debian has a separate library
 * directory for each architecture, so that nothing in the root conflicts.
 */
export interface NativePerl {
  /** A hook of mmdebstrap for after the essential packages. */
  readonly hook: string;
  /** Removes it again. */
  remove(root: string): Promise<void>;
}

const PERL = "/usr/bin/perl";
/** The directory of amd64's dynamic loader, unused by other architectures. */
const LOADER = "/lib64";

/** Throws CommandError if this machine's Perl is not Debian's. */
export async function nativePerl(host: Pick<Host, "run">): Promise<NativePerl> {
  const { stdout } = await host.run(cmd`ldd ${PERL}`);
  const libraries = [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path = ""]) => path);
  const base = (await host.run(cmd`${PERL} -e ${"print grep { m,/perl-base$, } @INC"}`)).stdout;
  if (libraries.length === 0 || base === "")
    throw new CommandError(`"${PERL}" is not the perl-base of Debian`);
  const divert = `dpkg-divert --quiet --root="$1" --local --rename --divert ${PERL}.debian --add ${PERL}`;
  const hook = [
    divert,
    // a real directory would not be a merged /usr, which packages check
    `{ [ -e "$1${LOADER}" ] || { mkdir -p "$1/usr${LOADER}" && ln -s usr${LOADER} "$1${LOADER}"; }; }`,
    ...[PERL, ...libraries].map((path) => `install -D --mode=0755 ${path} "$1${path}"`),
    `mkdir -p "$1${dirname(base)}"`,
    `cp -a ${base} "$1${base}"`,
  ].join(" && ");
  return {
    hook,
    remove: async (root) => {
      for (const path of [PERL, ...libraries, base]) rmSync(join(root, path), { recursive: true });
      await host.run(cmd`rmdir --ignore-fail-on-non-empty ${directories(root, [...libraries, base])}`);
      if (!existsSync(join(root, LOADER))) rmSync(join(root, LOADER), { force: true });
      await host.run(cmd`dpkg-divert --quiet --root=${root} --local --rename --remove ${PERL}`);
    },
  };
}

function directories(root: string, paths: readonly string[]): string[] {
  const merged = paths.map((path) => join(root, "usr", dirname(path).replace(/^\/usr/, "")));
  return [...new Set(merged)];
}
