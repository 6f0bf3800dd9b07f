import { test } from "bun:test";
import type { Arch } from "../../lib/targets.ts";

/** The variable by which the runner says why there are no images for an architecture. */
export function unbuiltVariable(arch: Arch): string {
  return `K3OS_UNBUILT_${arch.toUpperCase()}`;
}

type Test = (name: string, run: () => Promise<void>, timeout: number) => void;

/** Why an architecture has no images here; undefined where it has. */
export function whyUnbuilt(arch: Arch): string | undefined {
  return process.env[unbuiltVariable(arch)];
}

/** A test that needs the images of an architecture: without them it is skipped, with the reason in its name. */
export function testOn(arch: Arch): Test {
  const reason = whyUnbuilt(arch);
  if (reason === undefined) return test;
  return (name, run, timeout) => test.skip(`${name} (${reason})`, run, timeout);
}
