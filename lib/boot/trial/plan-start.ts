import { type Links, linkedVersions } from "../../tools/generation/generation-links.ts";
import { type Part, partsOf, type Trial } from "../../tools/generation/trial.ts";
import type { MenuChoice } from "../mode.ts";

/** What a start does about the versions, before it uses any. */
export type StartPlan =
  /** A change was interrupted: it is taken back. */
  | { readonly kind: "take-back"; readonly trial: Trial }
  /** What is on trial has failed, for this reason: the generation before comes back. */
  | { readonly kind: "fall-back"; readonly trial: Trial; readonly reason: string }
  /** What is on trial is started. */
  | { readonly kind: "try"; readonly trial: Trial }
  /** The links have been rolled back by order: the datastore follows. */
  | { readonly kind: "finish-rollback"; readonly trial: Trial }
  /** Nothing is on trial. */
  | {
      readonly kind: "start";
      /** There is a record of a change, but others have changed the links since. */
      readonly isOutdated: boolean;
      /** The boot menu counts for a change that is over. */
      readonly isCounted: boolean;
      /** Parts to be rolled back, which were chosen in the boot menu. */
      readonly rollback: readonly Part[];
    };

/**
 * Decides what a start does, given the change that is not finished. Pure. The links may be unknown where there is no such
 * change and the boot menu's entry Previous was not chosen: then nothing depends on them.
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
 * How the links stand to a change: as it made them, as they were before, some this way and some that, or as neither,
 * since somebody else has changed them.
 */
export type Standing = "new" | "old" | "between" | "other";

export function standingOf(links: Links, { parts }: Pick<Trial, "parts">): Standing {
  const changed = parts.filter(({ from, to }) => from !== to);
  const current = changed.map(({ component }) => links[component].current);
  if (changed.every(({ to }, i) => current[i] === to)) return "new";
  if (changed.every(({ from }, i) => current[i] === from)) return "old";
  return changed.every(({ from, to }, i) => [from, to].includes(current[i])) ? "between" : "other";
}

/** Also where a fallback was cut off, with some links changed or all. Nobody falls back from a rollback. */
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

/** The entry "Previous" of the boot menu, when nothing is on trial, is the same as a rollback by command. */
function previousParts(links: Links): readonly Part[] {
  const parts = partsOf(links, linkedVersions(links, "previous"));
  return parts.some(({ from, to }) => from !== to) ? parts : [];
}
