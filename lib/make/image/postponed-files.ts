import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cmd } from "../../tools/host/cmd.ts";
import type { Host } from "../../tools/host/host.ts";

/**
 * Programs that packages run when they are installed, and that take minutes where the processor is emulated: a device
 * database and a certificate bundle, which this machine makes as well, and compiled Python, which nobody reads.
 */
const POSTPONED = [
  "/usr/bin/systemd-hwdb",
  "/usr/sbin/update-ca-certificates",
  "/usr/bin/python3.13",
] as const;

/** A hook of mmdebstrap that has packages call programs which do nothing in place of {@link POSTPONED}. */
export const POSTPONE_HOOK = POSTPONED.map(
  (path) =>
    `dpkg-divert --quiet --root="$1" --local --no-rename --divert '${path}.debian' --add '${path}' && ` +
    `printf '#!/bin/sh\\n' >"$1${path}" && chmod 0755 "$1${path}"`,
).join(" && ");

/** Puts the programs in place, and does what the packages wanted of them, for an installed root. Needs the package udev. */
export async function makePostponed(root: string, host: Pick<Host, "run">): Promise<void> {
  for (const path of POSTPONED) {
    rmSync(join(root, path));
    await host.run(cmd`dpkg-divert --quiet --root=${root} --local --rename --remove ${path}`);
  }
  await host.run(cmd`systemd-hwdb update --usr --root=${root}`);
  writeFileSync(join(root, "etc/ssl/certs/ca-certificates.crt"), certificateBundle(root));
}

/** The certificates that the root's configuration enables, in its order, as update-ca-certificates(8) joins them. */
export function certificateBundle(root: string): string {
  const names = readFileSync(join(root, "etc/ca-certificates.conf"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !/^[#!]/.test(line));
  const texts = names.map((name) => readFileSync(join(root, "usr/share/ca-certificates", name), "utf8"));
  return texts.map((text) => (text.endsWith("\n") ? text : `${text}\n`)).join("");
}
