import type { Diagnostic } from "../../config/read/diagnostics.ts";
import type { CloudConfig, K3osConfig } from "../../config/schema/schema.ts";
import type { Host } from "../../tools/host/host.ts";
import type { Asker } from "../../tools/terminal/prompt.ts";
import type { InstallFacts } from "../install-facts.ts";
import type { InstallSettings } from "../install-settings.ts";

/** Install k3OS on a disk, or configure the running system as a server or an agent. */
export type Operation = "install" | "configure";

/** The state of the interview at a prompt, including earlier answers. */
export interface Interview {
  /** Undefined: not decided yet. */
  readonly operation: Operation | undefined;
  readonly settings: InstallSettings;
  readonly facts: InstallFacts;
  /** The configuration of the running system, with the answers. */
  readonly config: CloudConfig;
  /** The problems of the running system's configuration. */
  readonly diagnostics: readonly Diagnostic[];
  /** Undefined: not decided yet. */
  readonly role: "server" | "agent" | undefined;
}

export type StepHost = Pick<Host, "root" | "run" | "log" | "clock" | "env">;

/** A prompt, or a few related ones. */
export interface Step {
  /** Whether the answer is known, or irrelevant. */
  skip(interview: Interview): boolean;
  /** Prompts until the answer is valid; returns the changes. */
  ask(interview: Interview, asker: Asker, host: StepHost): Promise<Partial<Interview>>;
}

/** The system gets the configuration of a file only: there are no prompts for its content. */
export function hasConfigFile({ operation, settings }: Pick<Interview, "operation" | "settings">): boolean {
  return operation === "install" && settings.configUrl !== undefined;
}

/** The system gets a configuration made from the answers. */
export function isComposed(known: Pick<Interview, "operation" | "settings">): boolean {
  return known.operation === "install" && !hasConfigFile(known);
}

/** Whether a login is possible: it requires a key or a password. */
export function hasLogin({ sshAuthorizedKeys, k3os }: CloudConfig): boolean {
  return isSet(sshAuthorizedKeys) || isSet(k3os?.password);
}

/** The configuration with additions to its `k3os` section. */
export function withK3os(config: CloudConfig, more: K3osConfig): CloudConfig {
  return { ...config, k3os: { ...config.k3os, ...more } };
}

/** Whether a text or a list has content: an empty one clears a setting. */
export function isSet(value: { readonly length: number } | undefined): boolean {
  return value !== undefined && value.length > 0;
}
