import { createHash, randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { formatDiagnostic } from "../config/read/diagnostics.ts";
import type { Merged } from "../config/read/merge.ts";
import type { Phase, StructField } from "../config/schema/field.ts";
import { snakeCase } from "../config/schema/names.ts";
import { type CloudConfig, SCHEMA } from "../config/schema/schema.ts";
import { readTrial } from "../tools/generation/trial.ts";
import { inRoot, PATH } from "../tools/host/paths.ts";
import {
  type Outcome,
  type PhaseOutcome,
  readOutcome,
  recordOutcome,
  writeOutcome,
} from "../tools/node/applied.ts";
import { messageOf } from "../tools/text/errors.ts";
import type { ApplyHost } from "./applier.ts";
import { type ApplyFailure, applyPhase } from "./stages.ts";

/**
 * {@link applyPhase}, with a record of the result of each entry: for status reports, and for new versions, which must
 * achieve at least the same. Never throws.
 */
export async function applyAndRecord(
  phase: Phase,
  { config, diagnostics }: Pick<Merged, "config" | "diagnostics">,
  host: ApplyHost,
): Promise<readonly ApplyFailure[]> {
  if (phase === "install" || host.dryRun) return await applyPhase(phase, config, host);
  const run = randomBytes(8).toString("hex");
  const begun = {
    run,
    done: false,
    config: digestOf(config),
    items: configItems(phase, config),
    failures: [],
  };
  const files = sourceFiles(host);
  // a cloud's answer may change with each boot
  const ofFiles = diagnostics.filter(
    ({ severity, place }) => severity === "error" && files.includes(place.source),
  );
  const broken = ofFiles.map(formatDiagnostic);
  const note = (outcome: PhaseOutcome) =>
    attempt(host, () => {
      const { phases } = readOutcome(host) ?? { phases: {} };
      const all: Outcome = {
        sources: contentDigest(files, host),
        broken,
        phases: { ...phases, [phase]: outcome },
      };
      writeOutcome(all, host);
    });
  note(begun);
  const failures = await applyPhase(phase, config, host);
  note({ ...begun, done: true, failures: failures.map(({ phase: _phase, ...failure }) => failure) });
  if (phase === "runtime") {
    attempt(host, () => {
      if (!isTried(host)) recordOutcome(host);
    });
  }
  return failures;
}

/** Versions on trial are compared with the record, so they do not write it. */
function isTried(host: ApplyHost): boolean {
  const trial = readTrial(inRoot(host, PATH.system));
  return trial?.kind === "upgrade" && trial.state !== "switching" && trial.started;
}

/** A failure to write the record does not stop the configuration. */
function attempt(host: ApplyHost, write: () => void): void {
  try {
    write();
  } catch (error) {
    host.log.warn(`Cannot record the result of the configuration: ${messageOf(error)}`);
  }
}

/** A digest of every entry that a phase applies, by its path in messages. */
export function configItems(phase: Phase, config: CloudConfig): Record<string, string> {
  return Object.fromEntries(itemsOf(SCHEMA, config, "", phase));
}

function itemsOf(struct: StructField, section: object, prefix: string, phase: Phase): [string, string][] {
  return Object.entries(section).flatMap(([name, value]): [string, string][] => {
    const field = struct.fields[name];
    const path = `${prefix}${snakeCase(name)}`;
    if (field === undefined) return [];
    if (field.kind === "struct") return itemsOf(field, value, `${path}.`, phase);
    if (field.phases?.includes(phase) !== true) return [];
    if (field.kind === "list") {
      return (value as unknown[]).map((item, index) => [`${path}[${index}]`, digestOf(item)]);
    }
    if (field.kind === "map")
      return Object.entries(value).map((entry) => [`${path}[${entry[0]}]`, digestOf(entry)]);
    return [[path, digestOf(value)]];
  });
}

function digestOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 32);
}

/** The files that the user writes. */
function sourceFiles(host: Pick<ApplyHost, "root">): string[] {
  const directory = inRoot(host, PATH.localConfigDir);
  const names = existsSync(directory) ? readdirSync(directory).sort() : [];
  return [PATH.systemConfig, PATH.localConfig, ...names.map((name) => join(PATH.localConfigDir, name))];
}

function contentDigest(paths: readonly string[], host: Pick<ApplyHost, "root">): string {
  const found = paths.filter((path) => statSync(inRoot(host, path), { throwIfNoEntry: false })?.isFile());
  return digestOf(found.map((path) => [path, readFileSync(inRoot(host, path), "base64")]));
}
