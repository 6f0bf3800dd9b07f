import { spawnSync } from "node:child_process";
import { k3sCachePath } from "../../lib/make/image/k3s-cache.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { STABLE_K3S } from "../../lib/tools/release/k3s-release.ts";
import { ISO } from "./image.ts";

/** The version of a component in the artifacts; undefined if they have none. */
export function builtVersion(component: "k3os" | "k3s"): string | undefined {
  const argv = ["-indev", ISO, "-lsl", `/k3os/system/${component}`];
  const { stdout } = spawnSync("xorriso", argv, { encoding: "utf8" });
  return / 'current' -> '(.+)'$/m.exec(stdout)?.[1];
}

/** The version of the k3s in the artifacts; undefined if the build could get none. */
export function builtK3s(): string | undefined {
  return builtVersion("k3s");
}

/** Why there is no k3s to test with. */
export function whyNoK3s(): string | undefined {
  if (builtK3s() !== undefined) return undefined;
  const file = k3sCachePath(STABLE_K3S, hostTarget().arch, process.env);
  return `the build could not download k3s ${STABLE_K3S}, and "${file}" is missing`;
}
