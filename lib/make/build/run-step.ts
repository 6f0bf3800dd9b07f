import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "../../tools/host/host.ts";
import { CommandError, during } from "../../tools/text/errors.ts";
import type { Made, Step } from "./build-step.ts";
import { installedPackages } from "./debian-versions.ts";
import { ensurePackages } from "./required-packages.ts";
import { stepHost } from "./step-host.ts";
import { type StepInputs, stepInputs, stepKey } from "./step-inputs.ts";
import { showStep } from "./step-line.ts";
import { findResult, keepResult, type ResultStore } from "./step-results.ts";

/** Where steps run and their results are kept. */
export interface StepEnvironment {
  readonly host: Host;
  readonly project: string;
  /** Results for this clone alone: each is the only one of its name. */
  readonly cache: string;
  /** Results for every clone on this machine. */
  readonly sharedCache: string;
}

/** Results of one name that clones at other commits may still need. */
const OLDER_SHARED = 3;

/** Runs a step, unless there is a result of the same inputs. Throws CommandError if these cannot be determined. */
export async function runStep<I>(
  step: Step<I>,
  { name, input }: { readonly name: string; readonly input: I },
  environment: StepEnvironment,
): Promise<Made> {
  const { host, project, cache, sharedCache } = environment;
  const store = step.shared
    ? { directory: sharedCache, older: OLDER_SHARED }
    : { directory: cache, older: 0 };
  const inputs = await inputsOf(step, { name, input }, environment);
  const key = stepKey(inputs);
  const kept = findResult(name, key, store);
  if (kept !== undefined) return kept;
  const started = host.clock.monotonic();
  host.log.info(`Building ${name} …`);
  const timeFile = join(store.directory, `${name}.seconds`);
  {
    using _line = showStep(name, readSeconds(timeFile));
    const context = { host: stepHost(step, input, host), source: sourceOf(step, name, project) };
    await keepResult({ name, key, inputs }, (into) => step.make(input, into, context), store);
  }
  const seconds = (host.clock.monotonic() - started) / 1000;
  writeFileSync(timeFile, seconds.toFixed(1));
  host.log.info(`Built ${name} in ${seconds.toFixed(1)} s`);
  return resultOf(name, key, store);
}

async function inputsOf<I>(
  step: Step<I>,
  { name, input }: { readonly name: string; readonly input: I },
  { host, project, cache, sharedCache }: StepEnvironment,
): Promise<StepInputs> {
  return during(`Determining the inputs of ${name}`, async () => {
    await ensurePackages(step.packages?.(input) ?? [], host);
    const places = [project, cache, sharedCache];
    const installed = await installedPackages(host);
    return stepInputs(step, input, { project, places, installed, env: host.env });
  });
}

function resultOf(name: string, key: string, store: ResultStore): Made {
  const made = findResult(name, key, store);
  if (made !== undefined) return made;
  throw new CommandError(`The result ${name}@${key} is gone from "${store.directory}" already`);
}

/** Returns the paths of the declared files of a step, and refuses all other paths of the project. */
function sourceOf<I>(step: Step<I>, name: string, project: string): (path: string) => string {
  const readable = [...(step.files ?? []), ...(step.bundles ?? [])];
  return (path) => {
    const declared = readable.some((file) => path === file || path.startsWith(`${file}/`));
    if (declared && !path.split("/").includes("..")) return join(project, path);
    throw new CommandError(`The build of ${name} reads "${path}", which its step does not declare`, {
      hint: `enter it in \`files\` of the step in ${step.module}`,
    });
  };
}

/** The duration of a step's last run. */
function readSeconds(file: string): number | undefined {
  return existsSync(file) ? Number(readFileSync(file, "utf8")) : undefined;
}
