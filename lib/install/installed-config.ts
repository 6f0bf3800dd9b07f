import { fetchConfig, refuseErrors } from "../config/read/accept-configuration.ts";
import type { Merged } from "../config/read/merge.ts";
import type { Host } from "../tools/host/host.ts";
import { maskUrl } from "../tools/http/http.ts";
import type { InstalledConfig } from "./install-plan.ts";

/**
 * The configuration of the installed system: the unchanged content of `url`, or else the running system's without its
 * `install` section; undefined if that is empty. Throws CommandError if it is unavailable or has errors.
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
