import { PROJECT_URL, RELEASES_URL } from "../../tools/host/project.ts";
import type { Arch } from "../../tools/host/targets.ts";

/** os-release(5) of the image. `ISO_URL` is the installer's download without a medium. */
export function osRelease(version: string, arch: Arch): string {
  const fields = {
    NAME: "k3OS",
    VERSION: `k3OS ${version}`,
    ID: "k3os",
    ID_LIKE: "debian",
    PRETTY_NAME: `k3OS ${version}`,
    VERSION_ID: version,
    HOME_URL: PROJECT_URL,
    SUPPORT_URL: PROJECT_URL,
    BUG_REPORT_URL: `${PROJECT_URL}/issues`,
    ISO_URL: `${RELEASES_URL}/download/${version}/k3os-${arch}.iso`,
  };
  const bare = new Set(["ID", "ID_LIKE"]);
  return Object.entries(fields)
    .map(([key, value]) => `${key}=${bare.has(key) ? value : `"${value}"`}\n`)
    .join("");
}
