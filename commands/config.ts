import { hasErrors, logDiagnostics } from "../lib/config/read/diagnostics.ts";
import type { Merged } from "../lib/config/read/merge.ts";
import { readConfig } from "../lib/config/read/read.ts";
import type { Phase } from "../lib/config/schema/field.ts";
import { configJson, configYaml } from "../lib/config/write/dump.ts";
import { type Arguments, defineCommand } from "../lib/tools/cli/cli.ts";
import type { Host } from "../lib/tools/host/host.ts";
import { EXIT, messageOf } from "../lib/tools/text/errors.ts";

const OPTIONS = {
  initrd: { type: "boolean", help: "apply the settings of the initrd phase" },
  boot: { type: "boolean", help: "apply the settings of the boot phase, before the network is up" },
  install: { type: "boolean", help: "start k3s; download it first if it is missing" },
  dump: { type: "boolean", help: "print the configuration as YAML", excludes: ["json"] },
  "dump-json": { type: "boolean", help: "print the configuration as JSON", excludes: ["json"] },
  "dry-run": { type: "boolean", help: "show what would be applied" },
} as const;

/** `k3os config`: reads the configuration, and applies one phase of it or prints it. */
export const config = defineCommand({
  description: `
Reads and merges all configuration sources, and applies the settings of the
running system. A part of a source that has errors is reported and skipped; the
rest is applied.`,
  options: OPTIONS,
  exits: { failed: "a source has errors, or a setting could not be applied; the rest is applied" },
  subcommands: {
    validate: {
      summary: "Validate the configuration, or configuration files",
      load: async () => (await import("./config-validate.ts")).configValidate,
    },
    explain: {
      summary: "Show which source set a value",
      load: async () => (await import("./config-explain.ts")).configExplain,
    },
    diff: {
      summary: "Show what a configuration file would change",
      load: async () => (await import("./config-diff.ts")).configDiff,
    },
    try: {
      summary: "Apply a configuration file for a minute, unless it is kept",
      load: async () => (await import("./config-try.ts")).configTry,
    },
    keep: {
      summary: "Keep the configuration that is being tried",
      load: async () => (await import("./config-keep.ts")).configKeep,
    },
    revert: {
      summary: "Take back the configuration that is being tried",
      load: async () => (await import("./config-revert.ts")).configRevert,
    },
    schema: {
      summary: "Print the JSON Schema of the configuration for editors",
      load: async () => (await import("./config-schema.ts")).configSchema,
    },
  },
  json: "events",
  needsRoot: ({ values }) => phaseOf(values) !== undefined && !values["dry-run"],
  run: async ({ values }: Arguments<typeof OPTIONS>, host) => {
    const phase = phaseOf(values);
    if (phase === undefined) {
      return await withConfig(host, ({ config }) => print(config, values.dump ? "yaml" : "json", host));
    }
    return await withConfig(host, (found) => apply(phase, found, { ...host, dryRun: values["dry-run"] }));
  },
});

/** Reads the configuration for `action`, which returns whether it succeeded. Returns the exit status. */
async function withConfig(
  host: Host,
  action: (found: Merged) => boolean | Promise<boolean>,
): Promise<number> {
  const found = await readConfig(host);
  logDiagnostics(found.diagnostics, host);
  const done = await action(found);
  return done && !hasErrors(found.diagnostics) ? EXIT.done : EXIT.failed;
}

/** The phase from the options, none if they only print; of several, the first in this order counts. */
function phaseOf(values: Arguments<typeof OPTIONS>["values"]): Phase | undefined {
  if (values.initrd) return "initrd";
  if (values.boot) return "boot";
  if (values.install) return "install";
  return values.dump || values["dump-json"] ? undefined : "runtime";
}

function print(config: Merged["config"], format: "yaml" | "json", host: Host): true {
  host.print(format === "yaml" ? configYaml(config) : `${configJson(config)}\n`);
  return true;
}

async function apply(
  phase: Phase,
  found: Merged,
  host: Host & { readonly dryRun: boolean },
): Promise<boolean> {
  const { applyAndRecord } = await import("../lib/apply/outcome.ts");
  const failures = await applyAndRecord(phase, found, host);
  if (phase === "runtime" && !host.dryRun) await refreshPrompts(found.config, host);
  return failures.length === 0;
}

/** Here and not by a service: another start of this program would take seconds of a slow processor while k3s starts. */
async function refreshPrompts(config: Merged["config"], host: Host): Promise<void> {
  const { showAddresses } = await import("../lib/apply/show-addresses.ts");
  try {
    await showAddresses(config, host);
  } catch (error) {
    host.log.warn(`The login prompt does not show the addresses: ${messageOf(error)}`);
  }
}
