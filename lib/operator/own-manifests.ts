import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parse } from "yaml";
import { readTextIfThere } from "../tools/fs/read-bounded.ts";
import { isFields } from "../tools/fs/record.ts";
import { walk } from "../tools/fs/walk.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot, PATH, UNIT } from "../tools/host/paths.ts";
import { isKeptFromK3s, skipFile } from "../tools/node/manifest-skip.ts";
import type { Manifest } from "./deliver-manifests.ts";

/**
 * The manifests of this release that are in their place as the release has them. One that was edited since the boot is
 * left to k3s from now on; those that were removed, are written by the configuration, or that k3s is told to leave out,
 * are no business of ours either.
 */
export function ownManifests(host: Pick<Host, "root" | "log">): readonly Manifest[] {
  const shipped = inRoot(host, PATH.shippedManifests);
  if (!existsSync(shipped)) return [];
  const disabled = disabledNames(host);
  const files = walk(shipped).filter(({ entry }) => entry.isFile() && /\.(ya?ml|json)$/i.test(entry.name));
  return files.flatMap(({ path }) => {
    const manifest = join(PATH.manifests, path);
    if (!isKeptFromK3s(manifest, host) || isDisabled(path, disabled)) return [];
    const text = readTextIfThere(inRoot(host, manifest));
    if (text === readFileSync(join(shipped, path), "utf8")) return [{ path, text }];
    if (text !== undefined) host.log.info(`The manifest "${path}" was edited: k3s applies it from now on`);
    rmSync(inRoot(host, skipFile(manifest)), { force: true });
    return [];
  });
}

/** As k3s does: https://docs.k3s.io/installation/packaged-components#using-the---disable-flag */
function isDisabled(path: string, disabled: ReadonlySet<string>): boolean {
  const folders = dirname(path).split("/");
  return [...folders, basename(path).replace(/\.[^.]*$/, "")].some((name) => disabled.has(name));
}

/** The names in k3s's option `--disable`, in its arguments and in its own configuration files. */
function disabledNames(host: Pick<Host, "root">): ReadonlySet<string> {
  const unit = readTextIfThere(inRoot(host, `/etc/systemd/system/${UNIT.k3s}`)) ?? "";
  const inUnit = [...unit.matchAll(/ "?--?disable[= ]"?([\w.,-]+)/g)].map(([, names = ""]) => names);
  const inFiles = configFiles(host).flatMap((path) => disableOf(readTextIfThere(path) ?? ""));
  return new Set([...inUnit, ...inFiles].flatMap((names) => names.split(",")));
}

/** https://docs.k3s.io/installation/configuration#configuration-file */
function configFiles(host: Pick<Host, "root">): readonly string[] {
  const directory = inRoot(host, "/etc/rancher/k3s/config.yaml.d");
  const names = existsSync(directory) ? readdirSync(directory) : [];
  const more = names.filter((name) => /\.ya?ml$/.test(name)).map((name) => join(directory, name));
  return [inRoot(host, "/etc/rancher/k3s/config.yaml"), ...more];
}

function disableOf(text: string): readonly string[] {
  try {
    const config: unknown = parse(text);
    const fields = isFields(config) ? config : {};
    return [fields.disable, fields["disable+"]].flat().filter((name) => typeof name === "string");
  } catch {
    return []; // k3s does not start with it
  }
}
