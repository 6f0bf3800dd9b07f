import { lstatSync, mkdirSync, statSync, symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { GENERATED } from "../config/schema/generated-files.ts";
import type { CloudConfig, K3osConfig } from "../config/schema/schema.ts";
import { cmd } from "../tools/host/cmd.ts";
import { inRoot, PATH, UNIT } from "../tools/host/paths.ts";
import { HttpError } from "../tools/http/http.ts";
import { runningMode } from "../tools/node/running-mode.ts";
import { runningVersion } from "../tools/node/running-version.ts";
import { downloadK3s, type K3sRelease } from "../tools/release/k3s-release.ts";
import { CommandError } from "../tools/text/errors.ts";
import {
  type Applier,
  type ApplyHost,
  checkItems,
  listItems,
  mapItems,
  plainText,
  throwErrors,
} from "./applier.ts";
import { withEnvironment } from "./environment.ts";
import { type Generator, generator } from "./generator.ts";
import { k3sConfigFile, registriesFile, WRITTEN_BY_US } from "./k3s-files.ts";
import { K3S_RETRY_TIMER, type K3sFacts, k3sArguments, k3sEnvironment, k3sUnit } from "./k3s-service.ts";
import { putFile, readIfExists } from "./system-files.ts";

/** Possible paths of k3s: that of the image, then that of the user. */
const BINARIES = ["/sbin/k3s", "/usr/local/bin/k3s"];

/** Path for a downloaded k3s; persistent, and after the image's own in `PATH`. */
const FETCHED = "/usr/local/bin/k3s";
/** k3s also provides these programs, under their names. */
const OTHER_NAMES = ["kubectl", "crictl", "ctr"];
/** Unreachable servers must not delay the boot: three tries end within 20 s. */
const LIMITS = { timeout: 5_000, retries: 2 };

export interface K3sOptions {
  /** Start k3s, or restart it after a change. */
  readonly start: boolean;
  /** Source for a missing k3s; undefined: do not download it. */
  readonly release?: () => K3sRelease;
}

/** Writes the service of k3s, which starts with the network. */
export function k3s(options: K3sOptions): Applier {
  return {
    name: "k3s",
    apply: async (config, host) => {
      const { k3os = {} } = config;
      const mode = runningMode(host);
      if (mode === "install") return;
      checkValues(k3os);
      const files = generator(config, host);
      const settings = writeSettings(k3os, files, host);
      const binary = findBinary(host) ?? (await fetchBinary(options, withEnvironment(config, host)));
      if (binary === undefined) return;
      const facts = { ...binary, mode, version: runningVersion(host) };
      const unit = k3sUnit(k3sArguments(k3os, facts), facts, k3os.serverUrl);
      const environment = files.put(GENERATED.k3sEnvironment, k3sEnvironment(k3os), { mode: 0o600 });
      const service = files.put(GENERATED.k3sService, unit);
      if (host.dryRun) return;
      if (options.start) await startService({ service, changed: service || environment || settings }, host);
      else if (isSettled(config)) putFile(PATH.earlyK3s, "", {}, host);
    },
  };
}

/**
 * Whether the boot phase has everything that k3s starts with: no data source brings settings, and no command of the user
 * comes first. The host name that DHCP may offer is left to k3os-k3s-start.service.
 */
function isSettled({ runCmd = [], k3os = {} }: CloudConfig): boolean {
  return runCmd.length === 0 && (k3os.dataSources ?? []).length === 0;
}

/** Writes the files that k3s itself reads. They may hold secrets. Returns whether any has changed. */
function writeSettings(
  k3os: K3osConfig,
  files: Generator,
  host: Pick<ApplyHost, "root" | "log" | "dryRun">,
): boolean {
  const [role] = k3sArguments(k3os, { mode: undefined, version: "" });
  const contents = [
    [GENERATED.k3sConfig, k3sConfigFile(k3os, role)],
    [GENERATED.registries, registriesFile(k3os)],
  ] as const;
  const changes = contents.map(([file, content]) => {
    if (content !== undefined) return files.put(file, content, { mode: 0o600 });
    // a command of the user may have written it
    const isOurs = readIfExists(file.path, host)?.startsWith(WRITTEN_BY_US) ?? false;
    return isOurs && files.remove(file);
  });
  return changes.includes(true);
}

type Binary = Pick<K3sFacts, "binary" | "fingerprint">;

function findBinary(host: Pick<ApplyHost, "root">): Binary | undefined {
  for (const binary of BINARIES) {
    const found = statSync(inRoot(host, binary), { throwIfNoEntry: false });
    if (found?.isFile() && found.size > 0)
      return { binary, fingerprint: `${found.size} ${Math.trunc(found.mtimeMs)}` };
  }
  return undefined;
}

/** Downloads a missing k3s. An unreachable server is not a failure: nothing more can be done at this time. */
async function fetchBinary({ release }: K3sOptions, host: ApplyHost): Promise<Binary | undefined> {
  if (release === undefined || host.dryRun) {
    host.log.info(`k3s is not installed (${BINARIES.join(", ")})`);
    return undefined;
  }
  const pinned = release();
  const file = inRoot(host, FETCHED);
  host.log.info(`Downloading k3s ${pinned.version}`);
  try {
    mkdirSync(dirname(file), { recursive: true });
    await downloadK3s(pinned, file, LIMITS, host);
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    host.log.warn(`${error.message}: this node is without k3s, which is tried again by ${K3S_RETRY_TIMER}`);
    return undefined;
  }
  for (const name of OTHER_NAMES) {
    const link = join(dirname(file), name);
    if (lstatSync(link, { throwIfNoEntry: false }) === undefined) symlinkSync(basename(file), link);
  }
  return findBinary(host);
}

/** Checks all values for a unit or environment file: invalid ones are reported before anything is written. */
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
  if (service) await host.run(cmd`systemctl daemon-reload`);
  const { stdout } = await host.run(cmd`systemctl is-active ${UNIT.k3s}`, { check: false });
  const state = stdout.trim();
  if (state === "active" && !changed) return;
  const verb = changed ? "restart" : "start";
  host.log.info(`${verb === "start" ? "Starting" : "Restarting"} k3s`);
  const { code, stderr } = await host.run(cmd`systemctl --no-block ${verb} ${UNIT.k3s}`, { check: false });
  if (code !== 0) throw new CommandError(`Cannot ${verb} "${UNIT.k3s}": ${stderr.trim()}`);
}
