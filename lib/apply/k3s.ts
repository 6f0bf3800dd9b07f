import { statSync } from "node:fs";
import type { K3osConfig } from "../config/schema.ts";
import { CommandError } from "../errors.ts";
import { inRoot, PATH } from "../paths.ts";
import { VERSION } from "../version.ts";
import {
  type Applier,
  type ApplyHost,
  checkItems,
  listItems,
  mapItems,
  plainText,
  throwErrors,
} from "./applier.ts";
import { putFile, readIfExists } from "./files.ts";
import {
  K3S_ENVIRONMENT,
  K3S_UNIT,
  K3S_UNIT_FILE,
  type K3sFacts,
  k3sArguments,
  k3sEnvironment,
  k3sUnit,
} from "./k3s-service.ts";

/** Where k3s is found: the one of the image, else one that the user brought. */
const BINARIES = ["/sbin/k3s", "/usr/local/bin/k3s"];

/** Writes the service of k3s and, with `start`, starts it, or restarts it if anything about it changed. */
export function k3s(options: { start: boolean }): Applier {
  return {
    name: "k3s",
    apply: async ({ k3os = {} }, host) => {
      const mode = readIfExists(PATH.mode, host)?.trim();
      if (mode === "install") return;
      const binary = findBinary(host);
      if (binary === undefined) {
        host.log.info(`k3s is not installed (${BINARIES.join(", ")}): its service is left out`);
        return;
      }
      checkValues(k3os);
      const facts = { ...binary, mode, version: VERSION };
      const unit = k3sUnit(k3sArguments(k3os, facts), facts);
      const environment = putFile(K3S_ENVIRONMENT, k3sEnvironment(k3os), { mode: 0o600 }, host);
      const service = putFile(K3S_UNIT_FILE, unit, {}, host);
      if (options.start && !host.dryRun)
        await startService({ service, changed: service || environment }, host);
    },
  };
}

function findBinary(host: Pick<ApplyHost, "root">): Pick<K3sFacts, "binary" | "fingerprint"> | undefined {
  for (const binary of BINARIES) {
    const found = statSync(inRoot(host, binary), { throwIfNoEntry: false });
    if (found?.isFile()) return { binary, fingerprint: `${found.size} ${Math.trunc(found.mtimeMs)}` };
  }
  return undefined;
}

/** All of them reach a unit or environment file; wrong ones are named before anything is written. */
function checkValues(k3os: K3osConfig): void {
  const texts: [string, string][] = [
    ...listItems("k3os.k3s_args", k3os.k3sArgs),
    ...mapItems("k3os.labels", k3os.labels).map(([path, [key, value]]): [string, string] => [
      path,
      key + value,
    ]),
    ...listItems("k3os.taints", k3os.taints),
    ["k3os.server_url", k3os.serverUrl ?? ""],
    ["k3os.token", k3os.token ?? ""],
  ];
  throwErrors(checkItems(texts, plainText).errors);
}

/** Does not wait for k3s, which may wait for its server for ever. */
async function startService(
  { service, changed }: { service: boolean; changed: boolean },
  host: Pick<ApplyHost, "run" | "log">,
): Promise<void> {
  if (service) await host.run(["systemctl", "daemon-reload"]);
  const { stdout } = await host.run(["systemctl", "is-active", K3S_UNIT], { check: false });
  const state = stdout.trim();
  if (state === "active" && !changed) return;
  const verb = changed ? "restart" : "start";
  host.log.info(`${verb === "start" ? "Starting" : "Restarting"} k3s`);
  const { code, stderr } = await host.run(["systemctl", "--no-block", verb, K3S_UNIT], { check: false });
  if (code !== 0) throw new CommandError(`Cannot ${verb} "${K3S_UNIT}": ${stderr.trim()}`);
}
