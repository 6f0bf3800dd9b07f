import type { Diagnostic } from "../../config/read/diagnostics.ts";
import type { CloudConfig, K3osConfig } from "../../config/schema/schema.ts";
import type { Host } from "../../tools/host/host.ts";
import type { Asker } from "../../tools/terminal/prompt.ts";
import type { InstallFacts } from "../install-facts.ts";
import type { InstallSettings } from "../install-settings.ts";

/** Put k3OS on a disk, or make a server or an agent of the system that runs. */
export type Operation = "install" | "configure";

/** What is known when a question comes up. The answers to those before it are part of it. */
export interface Interview {
  /** Undefined: not yet decided. */
  readonly operation: Operation | undefined;
  readonly settings: InstallSettings;
  readonly facts: InstallFacts;
  /** What the running system's configuration says, and the answers. */
  readonly config: CloudConfig;
  /** What is wrong with the running system's configuration. */
  readonly diagnostics: readonly Diagnostic[];
  /** Undefined: not yet decided. */
  readonly role: "server" | "agent" | undefined;
}

export type StepHost = Pick<Host, "root" | "run" | "log" | "clock" | "env">;

/** A question, or a few that belong together. */
export interface Step {
  /** Whether the answer is known, or does not matter. */
  skip(interview: Interview): boolean;
  /** Asks until the answer is good; returns what it changes. */
  ask(interview: Interview, asker: Asker, host: StepHost): Promise<Partial<Interview>>;
}

/** The system is to get the configuration of a file, and that alone: nothing that would be in it is asked for. */
export function hasConfigFile({ operation, settings }: Pick<Interview, "operation" | "settings">): boolean {
  return operation === "install" && settings.configUrl !== undefined;
}

/** The system is to get a configuration that is made of the answers. */
export function isComposed(known: Pick<Interview, "operation" | "settings">): boolean {
  return known.operation === "install" && !hasConfigFile(known);
}

/** Somebody can log in: without a key or a password nobody could. */
export function hasLogin({ sshAuthorizedKeys, k3os }: CloudConfig): boolean {
  return isSet(sshAuthorizedKeys) || isSet(k3os?.password);
}

/** The configuration with more in its `k3os` section. */
export function withK3os(config: CloudConfig, more: K3osConfig): CloudConfig {
  return { ...config, k3os: { ...config.k3os, ...more } };
}

/** Whether a text or a list says anything: an empty one clears a setting. */
export function isSet(value: { readonly length: number } | undefined): boolean {
  return value !== undefined && value.length > 0;
}
