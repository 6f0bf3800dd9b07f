import { checkConfig, refuseErrors } from "../config/check.ts";
import { MAX_BYTES } from "../config/limits.ts";
import type { Merged } from "../config/merge.ts";
import { during } from "../errors.ts";
import type { Host } from "../host.ts";
import { fetchBytes, maskUrl } from "../http.ts";
import type { InstalledConfig } from "./plan.ts";

/**
 * The configuration that the installed system gets: what `url` holds, word by word, or else that of the running system
 * without its `install` section; undefined if that is empty. Throws CommandError when it cannot be had or has errors.
 */
export async function installedConfig(
  url: string | undefined,
  running: Merged,
  host: Pick<Host, "log" | "clock" | "env">,
): Promise<InstalledConfig | undefined> {
  if (url === undefined) return await runningConfig(running);
  const name = maskUrl(url);
  const content = await during(`Fetching the configuration "${name}"`, () =>
    fetchBytes(url, { maxBytes: MAX_BYTES }, host),
  );
  checkConfig(content, name, host);
  return { content, origin: name };
}

async function runningConfig({ config, diagnostics }: Merged): Promise<InstalledConfig | undefined> {
  refuseErrors("The configuration of the running system has errors", diagnostics);
  const { configYaml } = await import("../config/dump.ts");
  const text = configYaml(config);
  return text.trim() === "{}" ? undefined : { content: text, origin: "the running system's" };
}
