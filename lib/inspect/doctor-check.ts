import { within } from "../tools/host/within.ts";
import { CommandError, messageOf } from "../tools/text/errors.ts";
import type { InspectHost } from "./node-facts.ts";

/** The result of a check, derived from its facts. */
export interface Verdict {
  readonly state: "ok" | "warning" | "failure";
  /** The finding. */
  readonly message: string;
  /** A command to run, or a key to set. */
  readonly hint?: string;
}

/** A possible problem of a node: its facts are read, and then judged separately. Changes nothing. */
export interface Check<Facts = unknown> {
  readonly name: string;
  /** Where the check applies: on k3OS in any mode, only if installed, or (default) on any Linux. */
  readonly only?: "k3OS" | "installed";
  /** Undefined: the check does not apply here. May throw. */
  readonly facts: (host: InspectHost) => Facts | undefined | Promise<Facts | undefined>;
  readonly judge: (facts: Facts) => Verdict;
}

/** Gives the two halves of a check a common type, and returns it as an entry of the list. */
export function defineCheck<Facts>(check: Check<Facts>): Check {
  return check as unknown as Check;
}

/** The outcome of a check. */
export interface Finding extends Omit<Verdict, "state"> {
  readonly check: string;
  /** `skipped`: not applicable here, or not for this user. */
  readonly state: Verdict["state"] | "skipped";
}

/** Milliseconds for each check. */
const PATIENCE = 15_000;

/** Runs all checks at once, each with its time limit, and returns the findings in their order. Never throws. */
export async function runChecks(
  checks: readonly Check[],
  mode: string | undefined,
  host: InspectHost,
  patience = PATIENCE,
): Promise<Finding[]> {
  return await Promise.all(checks.map((check) => runCheck(check, mode, host, patience)));
}

async function runCheck(
  { name, only, facts, judge }: Check,
  mode: string | undefined,
  host: InspectHost,
  patience: number,
): Promise<Finding> {
  if (only === "k3OS" && mode === undefined) return skipped(name, "this is not k3OS");
  if (only === "installed" && mode !== "local") return skipped(name, "k3OS is not installed here");
  try {
    // a hanging program or file system must not delay the other findings
    const found = await within(patience, Promise.resolve(facts(host)), () => {
      throw new CommandError(`no answer within ${patience / 1000} s`);
    });
    return found === undefined ? skipped(name, "nothing to look at") : { check: name, ...judge(found) };
  } catch (error) {
    if (["EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) {
      return skipped(name, "needs root");
    }
    const [reason = ""] = messageOf(error).split("\n");
    return { check: name, state: "warning", message: `cannot be looked at: ${reason}` };
  }
}

function skipped(check: string, message: string): Finding {
  return { check, state: "skipped", message };
}
