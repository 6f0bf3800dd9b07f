import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cmd } from "../../tools/host/cmd.ts";
import type { Host } from "../../tools/host/host.ts";

/**
 * Programs that packages run at their installation, and that take minutes on an emulated processor: they make a device
 * database and a certificate bundle, which this machine can also make, and compiled Python, which is not needed.
 */
const POSTPONED = [
  "/usr/bin/systemd-hwdb",
  "/usr/sbin/update-ca-certificates",
  "/usr/bin/python3.13",
] as const;

/** A hook of mmdebstrap that replaces {@link POSTPONED} with programs that do nothing. */
export const POSTPONE_HOOK = POSTPONED.map(
  (path) =>
    `dpkg-divert --quiet --root="$1" --local --no-rename --divert '${path}.debian' --add '${path}' && ` +
    `printf '#!/bin/sh\\n' >"$1${path}" && chmod 0755 "$1${path}"`,
).join(" && ");

/** The database holds the paths of its sources: the same for every build, wherever the root is. */
const MAKE_HWDB = 'mount --bind "$0" /mnt && exec systemd-hwdb update --usr --root=/mnt';

/** Restores the programs, and makes their files for an installed root. Needs the packages udev and util-linux. */
export async function makePostponed(root: string, host: Pick<Host, "run">): Promise<void> {
  for (const path of POSTPONED) {
    rmSync(join(root, path));
    await host.run(cmd`dpkg-divert --quiet --root=${root} --local --rename --remove ${path}`);
  }
  await host.run(cmd`unshare --mount sh -c ${MAKE_HWDB} ${root}`);
  writeFileSync(join(root, "etc/ssl/certs/ca-certificates.crt"), certificateBundle(root));
}

/**
 * The enabled certificates of the root's configuration, in its order, concatenated like update-ca-certificates(8) does.
 */
export function certificateBundle(root: string): string {
  const names = readFileSync(join(root, "etc/ca-certificates.conf"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !/^[#!]/.test(line));
  const texts = names.map((name) => readFileSync(join(root, "usr/share/ca-certificates", name), "utf8"));
  return texts.map((text) => (text.endsWith("\n") ? text : `${text}\n`)).join("");
}
