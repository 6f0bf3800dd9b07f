import type { WifiNetwork } from "../config/schema.ts";
import { CommandError } from "../errors.ts";
import { type Applier, forEachItem, listItems, plainText } from "./applier.ts";
import { putFile, readIfExists, removeFile } from "./files.ts";

const DIRECTORY = "/var/lib/connman";
const SETTINGS = `${DIRECTORY}/settings`;
const SERVICES = `${DIRECTORY}/cloud-config.config`;
/** They hold passphrases. */
const MODE = 0o600;

/** Tells connman which wireless networks to join; networks that left the configuration are forgotten. */
export const wifi: Applier = {
  name: "wifi",
  apply: async (config, host) => {
    const items = listItems("k3os.wifi", config.k3os?.wifi);
    if (items.length === 0) {
      removeFile(SERVICES, host);
      return;
    }
    const sections: string[] = [];
    const checking = forEachItem(items, (network) => {
      sections.push(serviceSection(sections.length, network));
    });
    await checking.finally(() => {
      const settings = readIfExists(SETTINGS, host) ?? "";
      const enabled = setInSection(settings, "WiFi", { Enable: "true", Tethering: "false" });
      putFile(SETTINGS, enabled, { mode: MODE }, host);
      putFile(SERVICES, `${SERVICES_HEADER}${sections.join("")}`, { mode: MODE }, host);
    });
  },
};

const SERVICES_HEADER = "[global]\nName=cloud-config\nDescription=Services defined in the cloud-config\n";

/** One network as connman-service.config(5) has it. */
function serviceSection(index: number, { name, passphrase = "" }: WifiNetwork): string {
  if (name === "" || Buffer.byteLength(name) > 32) {
    throw new CommandError(`name: found ${Buffer.byteLength(name)} bytes, wanted 1 to 32`);
  }
  const lines = [`[service_wifi${index}]`, "Type=wifi", `Name=${keyFileValue(name)}`];
  if (passphrase !== "") lines.push(`Passphrase=${keyFileValue(passphrase)}`);
  return `\n${lines.join("\n")}\n`;
}

/** A value for GLib's key files, which unescape `\\` and strip blanks (g_key_file_get_string). */
function keyFileValue(text: string): string {
  return plainText(text)
    .replaceAll("\\", "\\\\")
    .replaceAll(/^ +| +$/g, (blanks) => "\\s".repeat(blanks.length));
}

/** The text of a key file with some keys of one section set; everything else stays. */
export function setInSection(
  text: string,
  section: string,
  values: Readonly<Record<string, string>>,
): string {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  let start = lines.indexOf(`[${section}]`);
  if (start < 0) start = lines.push(...(lines.length > 0 ? [""] : []), `[${section}]`) - 1;
  const next = lines.findIndex((line, index) => index > start && line.startsWith("["));
  const body = lines.slice(start + 1, next < 0 ? undefined : next);
  for (const [key, value] of Object.entries(values)) {
    const at = body.findIndex((line) => line.split("=")[0]?.trim() === key);
    if (at >= 0) body[at] = `${key}=${value}`;
    else body.splice(body.findLastIndex((line) => line.trim() !== "") + 1, 0, `${key}=${value}`);
  }
  const rest = next < 0 ? [] : lines.slice(next);
  return `${[...lines.slice(0, start + 1), ...body, ...rest].join("\n")}\n`;
}
