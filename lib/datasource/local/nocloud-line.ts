import type { Access } from "../data-source.ts";
import type { Platform } from "../platform.ts";
import type { MetaData } from "./meta-data.ts";

/** The content of a line `ds=nocloud;KEY=VALUE…`. */
export interface SeedLine {
  readonly meta: MetaData;
  /** The location of the seed: a URL or a path, with names of the firmware replaced. */
  readonly seedFrom: string | undefined;
}

const SHORT: Readonly<Record<string, string>> = { s: "seedfrom", h: "local-hostname", i: "instance-id" };

/** cloud-init's names for values of the firmware, as in dmidecode(8), with the files in /sys/class/dmi/id. */
const FIRMWARE_NAMES: Readonly<Record<string, string>> = {
  "baseboard-asset-tag": "board_asset_tag",
  "baseboard-manufacturer": "board_vendor",
  "baseboard-product-name": "board_name",
  "baseboard-serial-number": "board_serial",
  "baseboard-version": "board_version",
  "bios-release-date": "bios_date",
  "bios-vendor": "bios_vendor",
  "bios-version": "bios_version",
  "chassis-asset-tag": "chassis_asset_tag",
  "chassis-manufacturer": "chassis_vendor",
  "chassis-serial-number": "chassis_serial",
  "chassis-version": "chassis_version",
  "system-manufacturer": "sys_vendor",
  "system-product-name": "product_name",
  "system-serial-number": "product_serial",
  "system-uuid": "product_uuid",
  "system-version": "product_version",
};

/**
 * The word `ds=nocloud` or `ds=nocloud-net`, with or without `;KEY=VALUE` after it, in the firmware's serial number or
 * on the kernel command line; undefined if there is none.
 * https://cloudinit.readthedocs.io/en/latest/reference/datasources/nocloud.html
 */
export function findSeedLine(words: readonly string[]): string | undefined {
  return words.find((word) => /^ds=nocloud(?:-net)?(?:;|$)/.test(word));
}

/** The words of the machine's serial number, which the command line of a virtual machine can set. */
export function serialWords({ dmi }: Pick<Platform, "dmi">): string[] {
  return (dmi.product_serial ?? "").split(/\s+/);
}

/** Parses a line of {@link findSeedLine}. */
export function parseSeedLine(line: string, access: Pick<Access, "platform" | "ignored">): SeedLine {
  const fields = new Map<string, string>();
  for (const item of line.split(";").slice(1)) {
    const [, key = "", value = ""] = /^([^=]*)=?(.*)$/s.exec(item.trim()) ?? [];
    const name = Object.hasOwn(SHORT, key) ? SHORT[key] : key;
    if (key === "") continue;
    if (value === "" || name === undefined || !Object.values(SHORT).includes(name)) {
      access.ignored(`${line.split(";")[0]}: "${key}"${value === "" ? " without a value" : ""}`);
    } else {
      fields.set(name, value);
    }
  }
  const [seedFrom, hostname, instanceId] = Object.values(SHORT).map((name) => fields.get(name));
  return {
    meta: {
      ...(hostname === undefined ? {} : { localHostname: hostname }),
      ...(instanceId === undefined ? {} : { instanceId }),
    },
    seedFrom: seedFrom === undefined ? undefined : expandFirmwareNames(seedFrom, access),
  };
}

/** Replaces `__dmi.NAME__` by the value: in this way, one URL serves many machines. */
function expandFirmwareNames(text: string, access: Pick<Access, "platform" | "ignored">): string {
  const encode = /^https?:/i.test(text) ? encodeURIComponent : (value: string) => value.replaceAll("/", "_");
  return text.replaceAll(/__dmi\.([a-z-]+)__/g, (found, name: string) => {
    const file = Object.hasOwn(FIRMWARE_NAMES, name) ? FIRMWARE_NAMES[name] : undefined;
    const value = file === undefined ? undefined : access.platform.dmi[file];
    if (value === undefined) access.ignored(`${found}: the firmware of this machine does not say`);
    return encode(value ?? "");
  });
}
