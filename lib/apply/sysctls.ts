import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { GENERATED } from "../config/schema/generated-files.ts";
import { inRoot } from "../tools/host/paths.ts";
import { sysctlPath } from "../tools/node/sysctl-path.ts";
import { CommandError, messageOf } from "../tools/text/errors.ts";
import { type Applier, type ApplyHost, checkItems, mapItems, plainText, throwErrors } from "./applier.ts";
import { generator } from "./generator.ts";

/**
 * Sets sysctls in their written order. The file is for systemd-sysctl, which would otherwise replace our values with
 * the image's defaults when it starts, and for udev, which applies it to later devices ({@link LATER}). Its name sorts
 * after the image's files.
 */
export const sysctls: Applier = {
  name: "sysctls",
  apply: (config, host) => {
    const { good, errors } = checkItems(mapItems("k3os.sysctls", config.k3os?.sysctls), checkSetting);
    const files = generator(config, host);
    if (good.length === 0) files.remove(GENERATED.sysctls);
    else files.put(GENERATED.sysctls, good.map(({ path, value }) => `${path} = ${value}\n`).join(""));
    const writes = good.map((setting) => [`k3os.sysctls[${setting.key}]`, setting] as const);
    const unwritten = checkItems(writes, (setting) => writeSysctl(setting, host));
    throwErrors([...errors, ...unwritten.errors]);
  },
};

/**
 * Settings of a network interface or kernel module that may appear later; udev then applies the file to them
 * (99-systemd.rules, 99-k3os-sysctl.rules). A missing one is therefore not a failure.
 */
const LATER = /^net\/(?:ipv[46]\/(?:conf|neigh)\/[^/]+\/|bridge\/|netfilter\/nf_conntrack|nf_conntrack_max$)/;

interface Setting {
  readonly key: string;
  readonly path: string;
  readonly value: string;
}

function checkSetting([key, value]: readonly [string, string]): Setting {
  return { key, path: sysctlPath(key), value: plainText(value) };
}

function writeSysctl({ key, path, value }: Setting, host: Pick<ApplyHost, "root" | "dryRun" | "log">): void {
  const file = inRoot(host, `/proc/sys/${path}`);
  if (isSetTo(file, value)) return;
  if (LATER.test(path) && !existsSync(file)) {
    host.log.debug(`k3os.sysctls[${key}]: the kernel has no such setting yet: set when it appears`);
    return;
  }
  if (host.dryRun) {
    host.log.info(`Would set "${path}"`);
    return;
  }
  try {
    writeFileSync(file, `${value}\n`, { flag: "r+" }); // never create one
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new CommandError(missing ? "The kernel has no such setting" : messageOf(error));
  }
}

/** Whether the setting has this value; the kernel separates numbers by tabs. */
function isSetTo(file: string, value: string): boolean {
  try {
    return words(readFileSync(file, "utf8")) === words(value);
  } catch {
    return false; // some are write-only
  }
}

function words(text: string): string {
  return text.trim().split(/\s+/).join(" ");
}
