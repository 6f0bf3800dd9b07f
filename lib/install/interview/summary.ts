import { parseConfigText } from "../../config/read/parse.ts";
import { shownYaml } from "../../config/write/dump.ts";

/** The configuration of the installed system for the screen, without secrets. */
export function describeConfig(content: string | Uint8Array | undefined): string {
  const text = content === undefined ? "" : Buffer.from(content).toString();
  const { config } = parseConfigText(text, "the configuration");
  if (Object.keys(config).length === 0) return "The installed system has no configuration.\n";
  return `Configuration of the installed system:\n\n${shownYaml(config)}`;
}
