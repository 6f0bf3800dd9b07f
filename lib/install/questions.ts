import { describeBlockDevice } from "../disk/lsblk.ts";
import { Interrupted } from "../errors.ts";
import type { Host } from "../host.ts";
import { canAsk, choose, confirmed } from "../prompt.ts";
import { findObjections } from "./check.ts";
import { gatherFacts, type InstallFacts } from "./facts.ts";
import type { InstallSettings } from "./settings.ts";

/** Asks for the disk when none was named and there is somebody to ask; else the settings stay as they are. */
export async function askForDevice(
  settings: InstallSettings,
  facts: InstallFacts,
  host: Pick<Host, "root" | "run" | "env">,
): Promise<{ readonly settings: InstallSettings; readonly facts: InstallFacts }> {
  const incomplete = settings.device === undefined && !settings.noFormat;
  if (!incomplete || settings.silent || !canAsk() || facts.candidates.length === 0)
    return { settings, facts };
  const device = await choose(
    "Which disk should k3OS be installed to?",
    facts.candidates.map((disk) => ({ name: describeBlockDevice(disk), value: disk.path })),
  );
  const complete = { ...settings, device };
  return { settings: complete, facts: await gatherFacts(complete, host) };
}

/**
 * Asks whether the disk may be erased where that is not clear: it holds what is not ours, or the user was asked for it.
 * Returns the settings with that consent. Throws Interrupted when the answer is no.
 */
export async function askForConsent(
  settings: InstallSettings,
  facts: InstallFacts,
  asked: { readonly device: boolean },
): Promise<InstallSettings> {
  if (settings.silent || settings.dryRun || !canAsk() || facts.device === undefined) return settings;
  const objections = findObjections(settings, facts);
  if (objections.some(({ kind }) => kind === "refusal")) return settings; // will be told of, nothing to ask
  if (objections.length === 0 && !asked.device) return settings;
  const { device, occupants } = facts.device;
  const contents = occupants.map(({ path, what }) => `  ${path}: ${what}\n`).join("");
  process.stderr.write(
    `${describeBlockDevice(device)} ${contents === "" ? "is empty\n" : `holds\n${contents}`}`,
  );
  if (!(await confirmed(`Erase everything on ${device.path} and install k3OS?`))) {
    throw new Interrupted("Nothing was changed");
  }
  return { ...settings, force: true };
}
