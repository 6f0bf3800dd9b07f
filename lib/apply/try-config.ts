import { refuseErrors } from "../config/read/accept-configuration.ts";
import { logDiagnostics } from "../config/read/diagnostics.ts";
import { readConfig, readConfigWith } from "../config/read/read.ts";
import { CHANGE_WORDS } from "../config/schema/changes.ts";
import { type Difference, differences, withoutEffect } from "../config/write/difference.ts";
import { writeFileAtomic } from "../tools/fs/atomic.ts";
import { cmd } from "../tools/host/cmd.ts";
import { inRoot, PATH, UNIT } from "../tools/host/paths.ts";
import { readOutcome } from "../tools/node/applied.ts";
import { beginTry, endTry, readTriedConfig, takeBackTry } from "../tools/node/tried-config.ts";
import { CommandError } from "../tools/text/errors.ts";
import type { ApplyHost } from "./applier.ts";
import { applyAll, LIVE } from "./stages.ts";

/** A file for config.d. */
export interface NewFile {
  /** Its name in config.d. */
  readonly name: string;
  readonly bytes: Buffer;
}

/**
 * Puts a file into config.d and applies it, and orders that it is taken back after so many seconds. Until it is kept, a
 * reboot takes it back too. If a part of it cannot be applied, it is taken back at once. Returns what has changed; nothing
 * is done without a change. Throws CommandError for a file that has errors, or a change that a try cannot show.
 */
export async function tryConfig(
  file: NewFile,
  seconds: number,
  host: ApplyHost,
): Promise<readonly Difference[]> {
  const tried = readTriedConfig(host);
  if (tried !== undefined) {
    throw new CommandError(`"${tried.name}" is being tried until ${tried.until}`, {
      hint: 'keep it with "k3os config keep", or take it back with "k3os config revert"',
    });
  }
  const found = await checkFile(file, host);
  if (found.length === 0) return [];
  const until = new Date(host.clock.now() + seconds * 1000);
  beginTry(file.name, until, host);
  try {
    await orderTakingBack(seconds, host);
    const path = inRoot(host, `${PATH.localConfigDir}/${file.name}`);
    writeFileAtomic(path, file.bytes, { mode: readTriedConfig(host)?.mode ?? 0o600, parents: true });
  } catch (error) {
    takeBackTry(host);
    await cancelTakingBack(host);
    throw error;
  }
  const failures = await applyNow(found, host);
  if (readTriedConfig(host)?.until !== until.toISOString()) {
    await applyNow([], host); // over what was still applied of the file after it was taken back
    throw new CommandError(`"${file.name}" was taken back before it was applied`);
  }
  if (failures > 0) {
    await revertConfig(host);
    throw new CommandError(`"${file.name}" could not be applied, and is taken back`);
  }
  return found;
}

/** What the file changes. Throws CommandError if it has errors, or needs more than a try can give. */
async function checkFile(file: NewFile, host: ApplyHost): Promise<readonly Difference[]> {
  const source = `${PATH.localConfigDir}/${file.name}`;
  const before = await readConfig(host);
  const after = await readConfigWith(file, host);
  const strict = after.diagnostics
    .filter(({ place }) => place.source === source)
    .map((one) => (one.kind === "unknown-key" ? { ...one, severity: "error" as const } : one));
  refuseErrors(`"${file.name}" has errors`, strict);
  logDiagnostics(strict, host);
  for (const message of withoutEffect(after.origins, source)) host.log.warn(message);
  const found = differences(before.origins, after.origins);
  const late = found.filter(({ change }) => change !== "live" && change !== "k3s");
  if (late.length === 0) return found;
  const keys = late.map(({ key, change }) => `${key} (${CHANGE_WORDS[change]})`);
  throw new CommandError(
    `Found changes that have no effect before they would be taken back: ${keys.join(", ")}`,
    { hint: `put the file into ${PATH.localConfigDir} yourself, and reboot` },
  );
}

/** A timer of the service manager: it also fires if this program is killed, or hangs. */
async function orderTakingBack(seconds: number, host: ApplyHost): Promise<void> {
  const unit = UNIT.takeBack.replace(/\.timer$/, "");
  const program = `${PATH.system}/k3os/current/k3os`;
  await host.run(
    cmd`systemd-run --quiet --collect --unit=${unit} --on-active=${seconds}s --timer-property=AccuracySec=1s ${program} config revert`,
  );
}

async function cancelTakingBack(host: ApplyHost): Promise<void> {
  // it is gone if it has just fired
  await host.run(cmd`systemctl stop ${UNIT.takeBack}`, { check: false });
}

/**
 * Applies the configuration as it is on the disk. Returns the number of failures that the change may have caused: those of
 * the settings that differ, and of whole appliers that did not fail in the same way at the boot. All are logged.
 */
async function applyNow(found: readonly Difference[], host: ApplyHost): Promise<number> {
  const { config } = await readConfig(host);
  const atBoot = readOutcome(host)?.phases.runtime?.failures ?? [];
  const failures = await applyAll("runtime", LIVE, config, host);
  return failures.filter(({ applier, path, message }) => {
    if (path !== undefined) return found.some(({ key }) => key === path.replace(/\[.*$/, ""));
    return !atBoot.some((known) => known.applier === applier && known.message === message);
  }).length;
}

/** Keeps the file that is being tried. Throws CommandError if there is none. */
export async function keepConfig(host: ApplyHost): Promise<string> {
  await cancelTakingBack(host);
  const tried = readTriedConfig(host);
  if (tried === undefined) throw noTry();
  endTry(host);
  return tried.name;
}

/** Puts the file of before back and applies it; failures are logged. Throws CommandError if none is tried. */
export async function revertConfig(host: ApplyHost): Promise<string> {
  const tried = takeBackTry(host);
  if (tried === undefined) throw noTry();
  await cancelTakingBack(host);
  await applyNow([], host);
  return tried.name;
}

function noTry(): CommandError {
  return new CommandError("No configuration is being tried", {
    hint: 'it may have been taken back: "k3os config explain" shows what is set',
  });
}
