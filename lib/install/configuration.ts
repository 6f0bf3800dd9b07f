import { type Diagnostic, formatDiagnostic, hasErrors } from "../config/diagnostics.ts";
import { parseConfigText } from "../config/parse.ts";
import type { ReadResult } from "../config/read.ts";
import type { CloudConfig } from "../config/schema.ts";
import { MIB } from "../disk/size.ts";
import { CommandError, during } from "../errors.ts";
import type { Host } from "../host.ts";
import { fetchText, maskUrl } from "../http.ts";
import type { InstalledConfig } from "./plan.ts";

/**
 * The configuration that the installed system gets: what `url` holds, word by word, or else that of the running system
 * without its `install` section; undefined if that is empty. Throws CommandError when it cannot be had or has errors.
 */
export async function installedConfig(
  url: string | undefined,
  running: ReadResult,
  host: Pick<Host, "log" | "clock" | "env">,
): Promise<InstalledConfig | undefined> {
  if (url === undefined) return await runningConfig(running);
  const name = maskUrl(url);
  const text = await during(`Fetching the configuration "${name}"`, () =>
    fetchText(url, { maxBytes: MIB }, host),
  );
  checkConfigText(text, name, host);
  return { text, origin: name };
}

/** Throws CommandError that names every error in the text; warnings are logged. */
export function checkConfigText(text: string, name: string, host: Pick<Host, "log">): void {
  const { diagnostics } = parseConfigText(text, name);
  refuseErrors(`The configuration "${name}" has errors`, diagnostics);
  for (const warning of diagnostics) host.log.warn(formatDiagnostic(warning));
}

async function runningConfig({ config, diagnostics }: ReadResult): Promise<InstalledConfig | undefined> {
  refuseErrors("The configuration of the running system has errors", diagnostics);
  const rest = withoutInstall(config);
  if (Object.keys(rest).length === 0) return undefined;
  const { stringify } = await import("yaml");
  return { text: stringify(rest), origin: "the running system's" };
}

function refuseErrors(what: string, diagnostics: readonly Diagnostic[]): void {
  if (!hasErrors(diagnostics)) return;
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  throw new CommandError([`${what}:`, ...errors.map((error) => `  ${formatDiagnostic(error)}`)].join("\n"), {
    hint: 'check it with "k3os config validate FILE"; the disk was not touched',
  });
}

/** The `install` section is for the installer only; an empty `k3os` section says nothing. */
export function withoutInstall(config: CloudConfig): CloudConfig {
  const { k3os, ...rest } = config;
  const { install: _, ...others } = k3os ?? {};
  return Object.keys(others).length === 0 ? rest : { ...rest, k3os: others };
}
