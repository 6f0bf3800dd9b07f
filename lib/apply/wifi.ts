import { networkNameFlaw } from "../config/schema/flaws.ts";
import { GENERATED } from "../config/schema/generated-files.ts";
import type { WifiNetwork } from "../config/schema/schema.ts";
import { CommandError } from "../tools/text/errors.ts";
import { type Applier, checkItems, listItems, plainText, throwErrors } from "./applier.ts";
import { generator } from "./generator.ts";
import { readIfExists } from "./system-files.ts";

/** The files contain passphrases. */
const MODE = 0o600;

/** Writes the settings of the wireless networks for connman; networks that are no longer configured are removed. */
export const wifi: Applier = {
  name: "wifi",
  apply: (config, host) => {
    const files = generator(config, host);
    const items = listItems("k3os.wifi", config.k3os?.wifi);
    if (items.length === 0) {
      files.remove(GENERATED.wifiNetworks);
      return;
    }
    const { good, errors } = checkItems(items, serviceLines);
    const sections = good.map((lines, index) => ["", `[service_wifi${index}]`, ...lines]);
    const { path } = GENERATED.wifiSettings;
    const settings = readIfExists(path, host) ?? "";
    const isDamaged = settings.includes("\0"); // connman does not flush its files
    if (isDamaged) host.log.warn(`"${path}" was damaged and is recreated`);
    const enabled = setInSection(isDamaged ? "" : settings, "WiFi", { Enable: "true", Tethering: "false" });
    files.put(GENERATED.wifiSettings, enabled, { mode: MODE });
    files.put(GENERATED.wifiNetworks, `${[...SERVICES_HEADER, ...sections.flat()].join("\n")}\n`, {
      mode: MODE,
    });
    throwErrors(errors);
  },
};

const SERVICES_HEADER = ["[global]", "Name=cloud-config", "Description=Services defined in the cloud-config"];

/** One network: https://manpages.debian.org/trixie/connman/connman-service.config.5.en.html */
function serviceLines({ name, passphrase = "" }: WifiNetwork): readonly string[] {
  const flaw = name === "" ? { message: "found nothing, expected 1 to 32 bytes" } : networkNameFlaw(name);
  if (flaw !== undefined) throw new CommandError(`name: ${flaw.message}`);
  const lines = ["Type=wifi", `Name=${keyFileValue(name)}`];
  return passphrase === "" ? lines : [...lines, `Passphrase=${keyFileValue(passphrase)}`];
}

/** A value for GLib's key files, which unescape `\\` and strip leading and trailing spaces (g_key_file_get_string). */
function keyFileValue(text: string): string {
  return plainText(text)
    .replaceAll("\\", "\\\\")
    .replaceAll(/^ +| +$/g, (blanks) => "\\s".repeat(blanks.length));
}

/** The text of a key file with some keys of one section changed; all other lines stay. */
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
