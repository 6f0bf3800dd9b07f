import { rmSync } from "node:fs";
import { join } from "node:path";
import { keepDamaged } from "../../tools/fs/record.ts";
import type { Records } from "../../tools/generation/generation-facts.ts";
import { type Links, readLinks } from "../../tools/generation/generation-links.ts";
import { menuCounts, startsLeft } from "../../tools/generation/start-count.ts";
import { noteTrial, partsOf, TRIAL_FILE, type Trial } from "../../tools/generation/trial.ts";
import { PATH } from "../../tools/host/paths.ts";
import { timeStamp } from "../../tools/host/time-stamp.ts";
import { messageOf } from "../../tools/text/errors.ts";
import type { BootHost } from "../boot-host.ts";
import type { MenuChoice } from "../mode.ts";
import { hasSnapshot } from "./datastore.ts";

/**
 * The unfinished change on a state file system; undefined if there is none. An invalid record is reconstructed from the
 * links and the boot menu, and replaced.
 */
export function findTrial(
  root: string,
  { trial: recorded, damage }: Pick<Records, "trial" | "damage">,
  choice: MenuChoice | undefined,
  host: BootHost,
): Trial | undefined {
  if (damage.trial === undefined) return recorded;
  const system = join(root, PATH.system);
  const trial = isOn(system, choice) ? trialOfLinks(root, readLinks(system), host) : undefined;
  const what = trial === undefined ? "nothing is on trial" : "the links say what is on trial";
  host.log.error(`${messageOf(damage.trial)}: ${what}`);
  setAside(system, trial, host);
  return trial;
}

/** The boot menu counts the boots of a generation on trial; if it cannot, only the record did. */
function isOn(system: string, choice: MenuChoice | undefined): boolean {
  return (
    choice === "trial" || choice === "fallback" || startsLeft(system) !== undefined || !menuCounts(system)
  );
}

function trialOfLinks(root: string, links: Links, host: BootHost): Trial | undefined {
  const parts = partsOf(links, {}).map((part) => {
    return { ...part, from: links[part.component].previous ?? part.from, previous: undefined };
  });
  if (parts.every(({ from, to }) => from === to)) return undefined;
  return {
    ...{ state: "trial", kind: "upgrade", since: timeStamp(host), parts, reason: undefined },
    started: hasSnapshot(join(root, "k3os/data"), parts),
    left: 1, // the maximum: the count of the old record is lost
    keep: Number.MAX_SAFE_INTEGER,
    tolerated: ["configuration"],
    keepData: false,
  };
}

/** In this order, a power cut leaves either the damaged record or its replacement. */
function setAside(system: string, trial: Trial | undefined, host: BootHost): void {
  const path = join(system, TRIAL_FILE);
  try {
    host.log.warn(`What was in its place is kept as "${keepDamaged(path)}"`);
    if (trial === undefined) rmSync(path, { force: true });
  } catch (error) {
    host.log.warn(`It cannot be set aside: ${messageOf(error)}`);
  }
  if (trial !== undefined) noteTrial(system, trial, host);
}
