import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { splitCmdline } from "../config/read/cmdline.ts";
import { parseExport } from "../tools/disk/blkid.ts";
import { cmd } from "../tools/host/cmd.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot, PATH } from "../tools/host/paths.ts";
import { messageOf } from "../tools/text/errors.ts";
import type { LabelledDevice, Platform } from "./platform.ts";

const DMI = "/sys/class/dmi/id";
const HYPERVISOR_UUID = "/sys/hypervisor/uuid";
const FIRMWARE_CONFIG = "/sys/firmware/qemu_fw_cfg/by_name";

/** The values that identify a source or a machine. */
const DMI_NAMES = [
  "bios_vendor",
  "board_asset_tag",
  "board_name",
  "board_vendor",
  "chassis_asset_tag",
  "chassis_vendor",
  "product_name",
  "product_serial",
  "product_uuid",
  "product_version",
  "sys_vendor",
];

/** Milliseconds; an optical drive with a damaged disc may take minutes. */
const PATIENCE = 10_000;

/**
 * Reads the identification of the machine, without network requests. Never throws: unreadable values are absent.
 * The files of the kernel: https://docs.kernel.org/admin-guide/abi-testing.html
 */
export async function readPlatform(host: Pick<Host, "root" | "run" | "log">): Promise<Platform> {
  const [devices, firmwareConfig] = await Promise.all([readDevices(host), readFirmwareConfig(host)]);
  const dmi = DMI_NAMES.map((name): [string, string] => [name, readValue(`${DMI}/${name}`, host)]);
  return {
    dmi: Object.fromEntries(dmi.filter(([, value]) => value !== "")),
    hypervisorUuid: readValue(HYPERVISOR_UUID, host),
    words: splitCmdline(readValue(PATH.cmdline, host)).map(({ name, value }) => {
      return value === undefined ? name : `${name}=${value}`;
    }),
    devices,
    firmwareConfig,
  };
}

/** The trimmed text of a kernel file; "" if it is missing or consists of set bits only, which means unset. */
function readValue(path: string, host: Pick<Host, "root">): string {
  try {
    const bytes = readFileSync(inRoot(host, path));
    const value = bytes.toString("utf8").trim();
    return Buffer.from(value).every((byte) => byte === 0xff) || /^\uFFFD+$/.test(value) ? "" : value;
  } catch {
    return ""; // most machines lack some of these
  }
}

async function readDevices(host: Pick<Host, "run" | "log">): Promise<readonly LabelledDevice[]> {
  try {
    // read from the devices directly: udev may not have processed them yet
    const argv = cmd`blkid --cache-file /dev/null --output export`;
    const { stdout } = await host.run(argv, { check: false, timeout: PATIENCE }); // 2: none found
    return parseDevices(stdout);
  } catch (error) {
    host.log.warn(`Cannot look for file systems: ${messageOf(error)}`);
    return [];
  }
}

/** Parses `blkid --output export`: a group of `KEY=value` lines for each device. */
export function parseDevices(text: string): readonly LabelledDevice[] {
  return text.split(/\n[ \t]*\n/).flatMap((group) => {
    const fields = parseExport(group);
    const path = fields.get("DEVNAME") ?? "";
    if (path === "" || /^\/dev\/(loop|ram|zram)\d/.test(path)) return [];
    const label = fields.get("LABEL") ?? fields.get("LABEL_FATBOOT") ?? "";
    return [{ path, label: label.trim(), type: fields.get("TYPE") ?? "" }];
  });
}

async function readFirmwareConfig(host: Pick<Host, "root" | "run" | "log">): Promise<readonly string[]> {
  try {
    // only QEMU machines use this module, and not every kernel has it
    await host.run(cmd`modprobe --quiet qemu_fw_cfg`, { check: false, timeout: PATIENCE });
  } catch (error) {
    host.log.debug(`no configuration from the firmware: ${messageOf(error)}`);
  }
  return [...namesBelow(inRoot(host, FIRMWARE_CONFIG), "")].sort();
}

/** Each entry is a directory with a file `raw`; the kernel links it to the directory with its number. */
function* namesBelow(directory: string, prefix: string): Generator<string> {
  const entries = listIfThere(directory);
  if (entries.some(({ name }) => name === "raw")) {
    yield prefix;
    return;
  }
  for (const entry of entries) {
    const name = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isSymbolicLink()) yield name;
    else if (entry.isDirectory()) yield* namesBelow(join(directory, entry.name), name);
  }
}

function listIfThere(directory: string) {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return []; // not QEMU
  }
}
