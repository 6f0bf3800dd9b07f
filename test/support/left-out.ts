import { describe, test } from "bun:test";
import type { Arch } from "../../lib/tools/host/targets.ts";

/** What the runner may leave out: the tests that need an architecture's images, and those that take long. */
type Part = Arch | "long";

/** The variable by which the runner says why a part is left out. */
export function leftOutVariable(part: Part): string {
  return `K3OS_LEFT_OUT_${part.toUpperCase()}`;
}

/** Why a part is left out here; undefined where it is not. */
export function whyLeftOut(part: Part): string | undefined {
  return process.env[leftOutVariable(part)];
}

type Test = (name: string, run: () => Promise<void>, timeout: number) => void;

/** A test that belongs to a part: where that is left out it is skipped, with the reason in its name. */
export function testOf(part: Part): Test {
  const reason = whyLeftOut(part);
  if (reason === undefined) return test;
  return (name, run, timeout) => test.skip(`${name} (${reason})`, run, timeout);
}

/** A group of tests that take minutes each; where they are left out, the group is one that is skipped, with the reason. */
export function describeLong(name: string, body: () => void): void {
  describeUnless(whyLeftOut("long"), name, body);
}

/** A group of tests; with a reason against it, it is one that is skipped, with the reason. */
export function describeUnless(reason: string | undefined, name: string, body: () => void): void {
  if (reason === undefined) describe(name, body);
  else test.skip(`${name} (${reason})`, () => undefined);
}
