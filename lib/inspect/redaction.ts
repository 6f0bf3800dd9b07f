import { existsSync, lstatSync } from "node:fs";
import { formatDiagnostic } from "../config/read/diagnostics.ts";
import { mergeLayers } from "../config/read/merge.ts";
import type { Layer } from "../config/read/setting.ts";
import type { SourceLayer } from "../config/read/sources.ts";
import { SCHEMA } from "../config/schema/schema.ts";
import { inSnakeCase } from "../config/write/dump.ts";
import { emitYaml } from "../config/write/emit-yaml.ts";
import { masked, redactKernelWords, secretTexts } from "../config/write/private.ts";
import { readTextBounded } from "../tools/fs/read-bounded.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot, PATH } from "../tools/host/paths.ts";
import { redactText } from "../tools/text/redact.ts";

/** Secrets that k3s itself has created, one per file. */
const SECRET_FILES = [
  ...["token", "node-token", "agent-token"].map((name) => `/var/lib/rancher/k3s/server/${name}`),
  `${PATH.localState}/node/password`,
];

/** Removes data from a text that must not leave the machine. */
export type Redact = (text: string) => string;

/**
 * Removes secrets from any text of this machine: those of the configuration's sources and of k3s by their values, those
 * of kernel command lines by the declaration, and all other strings that look like secrets.
 */
export function createRedaction(layers: readonly Layer[], host: Pick<Host, "root">): Redact {
  const { texts, words } = secretTexts(layers);
  const all = [...texts, ...SECRET_FILES.flatMap((path) => secretIn(path, host))];
  const encoded = all
    .map((secret) => Buffer.from(secret).toString("base64"))
    .filter(({ length }) => length > 12);
  const secrets = { texts: [...all, ...encoded], words };
  return (text) => redactText(redactKernelWords(text), secrets);
}

function secretIn(path: string, host: Pick<Host, "root">): string[] {
  const file = inRoot(host, path);
  if (!existsSync(file) || !lstatSync(file).isFile()) return [];
  try {
    const secret = readTextBounded(file).trim();
    return secret === "" ? [] : [secret, ...secret.split(/[:\s]+/).filter(({ length }) => length > 12)];
  } catch {
    return []; // only root may read it, so no text that we can read contains it
  }
}

/**
 * The settings in sources of the configuration as YAML, with the problems as comments. It contains only parsed
 * settings: comments and unknown keys, which may contain any data, are left out.
 */
export function redactedConfig(layers: readonly Layer[], redact: Redact): string {
  const { config, diagnostics } = mergeLayers(layers);
  const problems = diagnostics.map((found) => `# ${formatDiagnostic(found)}\n`).join("");
  return redact(problems + emitYaml(inSnakeCase(SCHEMA, masked(SCHEMA, config, "elsewhere"))));
}

/** {@link redactedConfig} of each source, by its path. */
export function redactedSources(layers: readonly SourceLayer[], redact: Redact): ReadonlyMap<string, string> {
  const paths = [...new Set(layers.map(({ path }) => path))];
  return new Map(
    paths.map((source) => [
      source,
      redactedConfig(
        layers.filter(({ path }) => path === source),
        redact,
      ),
    ]),
  );
}
