import { within } from "../tools/host/within.ts";
import { CommandError, messageOf } from "../tools/text/errors.ts";
import type { InspectHost } from "./node-facts.ts";

/** What a check makes of its facts. */
export interface Verdict {
  readonly state: "ok" | "warning" | "failure";
  /** What was found. */
  readonly message: string;
  /** A command to run, or a key to set. */
  readonly hint?: string;
}

/** Something that may be wrong with a node: facts are looked up, and judged apart from that. Nothing is changed. */
export interface Check<Facts = unknown> {
  readonly name: string;
  /** Where it says anything: on k3OS in any mode, where it is installed, or (default) on any Linux. */
  readonly only?: "k3OS" | "installed";
  /** Undefined: there is nothing to judge here. May throw. */
  readonly facts: (host: InspectHost) => Facts | undefined | Promise<Facts | undefined>;
  readonly judge: (facts: Facts) => Verdict;
}

/** Gives the two halves of a check the type that they share, and returns it as a value of the list. */
export function defineCheck<Facts>(check: Check<Facts>): Check {
  return check as unknown as Check;
}

/** What became of a check. */
export interface Finding extends Omit<Verdict, "state"> {
  readonly check: string;
  /** `skipped`: nothing to judge here, or not for this user. */
  readonly state: Verdict["state"] | "skipped";
}

/** Milliseconds that each check has. */
const PATIENCE = 15_000;

/** Does all checks at once, each within its time, and returns what they found, in their order. Never throws. */
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
    // a program or file system that hangs must not hold up the answer about all others
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
