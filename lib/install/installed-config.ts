import { fetchConfig, refuseErrors } from "../config/read/accept-configuration.ts";
import type { Merged } from "../config/read/merge.ts";
import type { Host } from "../tools/host/host.ts";
import { maskUrl } from "../tools/http/http.ts";
import type { InstalledConfig } from "./install-plan.ts";

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
  return { content: await fetchConfig(url, host), origin: maskUrl(url) };
}

async function runningConfig({ config, diagnostics }: Merged): Promise<InstalledConfig | undefined> {
  refuseErrors("The configuration of the running system has errors", diagnostics);
  const { configYaml } = await import("../config/write/dump.ts");
  const text = configYaml(config);
  return text.trim() === "{}" ? undefined : { content: text, origin: "the running system's" };
}
