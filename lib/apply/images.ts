import { lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { optionValue } from "../config/schema/k3s-config.ts";
import { isThere } from "../tools/fs/links.ts";
import { inRoot, PATH } from "../tools/host/paths.ts";
import { deliveredImages, IMAGES } from "../tools/images/image-set.ts";
import type { Applier, ApplyHost } from "./applier.ts";

/**
 * The directory below k3s's data from which it imports archives at its start; it follows links.
 * https://docs.k3s.io/installation/airgap
 */
const IMPORTED = "agent/images";
const DATA = "/var/lib/rancher/k3s";
const DELIVERED = join(PATH.system, IMAGES);

/**
 * Offers the image archives of the medium, the installation or the last upgrade to k3s, by links. Links to archives
 * that are gone are removed; files of the user stay, also in the place of a link.
 */
export const images: Applier = {
  name: "images",
  apply: ({ k3os = {} }, host) => {
    const names = new Set(availableImages(host));
    const imported = join(optionValue(k3os, "data-dir") || DATA, IMPORTED);
    const directory = inRoot(host, imported);
    removeOldLinks(directory, names, host);
    for (const name of names) {
      const path = join(directory, name);
      const found = lstatSync(path, { throwIfNoEntry: false });
      if (found === undefined) {
        host.log.info(`${host.dryRun ? "Would offer" : "Offering"} the container images in "${name}" to k3s`);
        if (host.dryRun) continue;
        mkdirSync(directory, { recursive: true });
        symlinkSync(join(DELIVERED, name), path);
      } else if (!isOurs(path)) {
        host.log.info(
          `"${join(imported, name)}" is yours: the archive of that name in this system is left out`,
        );
      }
    }
  },
};

function availableImages(host: Pick<ApplyHost, "root" | "log">): string[] {
  const system = inRoot(host, PATH.system);
  return [...deliveredImages(system).keys()].filter((name) => {
    const isAvailable = isThere(join(system, IMAGES, name));
    if (!isAvailable) host.log.warn(`The image archive "${join(DELIVERED, name)}" is missing`);
    return isAvailable;
  });
}

function removeOldLinks(
  directory: string,
  names: ReadonlySet<string>,
  host: Pick<ApplyHost, "log" | "dryRun">,
): void {
  if (!isThere(directory)) return;
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (names.has(name) || !isOurs(path)) continue;
    host.log.info(`The container images in "${name}" are no longer part of this system`);
    if (!host.dryRun) rmSync(path);
  }
}

function isOurs(path: string): boolean {
  return lstatSync(path).isSymbolicLink() && readlinkSync(path).startsWith(`${DELIVERED}/`);
}
