import { type Links, linkedVersions } from "../../tools/generation/generation-links.ts";
import { type Part, partsOf, type Trial } from "../../tools/generation/trial.ts";
import type { MenuChoice } from "../mode.ts";

/** What a boot does about the versions before it uses any. */
export type StartPlan =
  /** A change was interrupted: it is reverted. */
  | { readonly kind: "take-back"; readonly trial: Trial }
  /** The generation on trial has failed, for this reason: the previous generation is restored. */
  | { readonly kind: "fall-back"; readonly trial: Trial; readonly reason: string }
  /** The generation on trial is started. */
  | { readonly kind: "try"; readonly trial: Trial }
  /** The links were rolled back by command: the datastore follows. */
  | { readonly kind: "finish-rollback"; readonly trial: Trial }
  /** Nothing is on trial. */
  | {
      readonly kind: "start";
      /** There is a record of a change, but the links were changed again since. */
      readonly isOutdated: boolean;
      /** The boot menu still counts for a finished change. */
      readonly isCounted: boolean;
      /** Components to roll back, chosen in the boot menu. */
      readonly rollback: readonly Part[];
    };

/**
 * Decides what a boot does about the unfinished change. Pure. `links` may be undefined if there is no such change and
 * the boot menu's entry "Previous" was not chosen: then they are not needed.
 */
export function planStart(
  trial: Trial | undefined,
  links: Links | undefined,
  choice: MenuChoice | undefined,
): StartPlan {
  const standing = trial === undefined || links === undefined ? "other" : standingOf(links, trial);
  if (trial?.state === "switching") return { kind: "take-back", trial };
  if (trial !== undefined && hasFailed(trial, standing, choice)) {
    return { kind: "fall-back", trial, reason: failureOf(trial, choice) };
  }
  if (trial !== undefined && standing === "new") {
    return { kind: trial.kind === "rollback" ? "finish-rollback" : "try", trial };
  }
  return {
    kind: "start",
    isOutdated: trial !== undefined,
    isCounted: choice === "fallback",
    rollback: choice === "previous" && links !== undefined ? previousParts(links) : [],
  };
}

/**
 * The state of the links compared with a change: all changed, none changed, some changed, or changed later to other
 * versions.
 */
export type Standing = "new" | "old" | "between" | "other";

export function standingOf(links: Links, { parts }: Pick<Trial, "parts">): Standing {
  const changed = parts.filter(({ from, to }) => from !== to);
  const current = changed.map(({ component }) => links[component].current);
  if (changed.every(({ to }, i) => current[i] === to)) return "new";
  if (changed.every(({ from }, i) => current[i] === from)) return "old";
  return changed.every(({ from, to }, i) => [from, to].includes(current[i])) ? "between" : "other";
}

/** Also after an interrupted fallback, with some or all links changed. A rollback has no fallback. */
function hasFailed(trial: Trial, standing: Standing, choice: MenuChoice | undefined): boolean {
  if (trial.kind === "rollback") return false;
  if (standing === "between") return true;
  if (trial.state === "failed") return standing === "new" || standing === "old";
  return standing === "new" && (choice === "fallback" || choice === "previous" || trial.left <= 0);
}

function failureOf(trial: Trial, choice: MenuChoice | undefined): string {
  if (trial.reason !== undefined) return trial.reason;
  if (trial.state === "failed") return "it was found to be unhealthy";
  if (choice === "previous")
    return "its kernel could not be started, or the boot menu's entry Previous was chosen";
  return "it was started, but never found healthy";
}

/** The entry "Previous" of the boot menu without a trial is the same as a rollback by command. */
function previousParts(links: Links): readonly Part[] {
  const parts = partsOf(links, linkedVersions(links, "previous"));
  return parts.some(({ from, to }) => from !== to) ? parts : [];
}
