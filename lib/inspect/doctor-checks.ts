import { printable } from "../tools/text/printable.ts";
import { wrap } from "../tools/text/wrap.ts";
import { applied, configuration, login } from "./checks/check-configuration.ts";
import { diskIdentity, stateDisk, systemReadOnly } from "./checks/check-disk.ts";
import { clusterNode, k3sCertificates, k3sInstalled, k3sService } from "./checks/check-k3s.ts";
import { kubeconfig } from "./checks/check-kubeconfig.ts";
import { clock, kernel, memory } from "./checks/check-machine.ts";
import { defaultRoute, hostName, joinedServer, nameResolution } from "./checks/check-network.ts";
import { ports } from "./checks/check-ports.ts";
import { bootFailures, failedServices } from "./checks/check-services.ts";
import { sshServer } from "./checks/check-ssh-server.ts";
import { bootMenu, currentVersions, failedVersions } from "./checks/check-versions.ts";
import type { Check, Finding } from "./doctor-check.ts";

/** All checks, from the machine to the cluster. */
export const CHECKS: readonly Check[] = [
  memory,
  kernel,
  clock,
  stateDisk,
  diskIdentity,
  systemReadOnly,
  currentVersions,
  failedVersions,
  bootMenu,
  bootFailures,
  configuration,
  applied,
  login,
  sshServer,
  hostName,
  defaultRoute,
  nameResolution,
  failedServices,
  k3sInstalled,
  k3sService,
  ports,
  joinedServer,
  clusterNode,
  kubeconfig,
  k3sCertificates,
];

const MARKS = { ok: "ok", warning: "warning", failure: "FAILURE", skipped: "-" } as const;
const INDENT = 9;

/** The findings as text, in lines of at most 80 columns; skipped checks are grouped by reason. */
export function describeFindings(findings: readonly Finding[]): string {
  const done = findings.filter(({ state }) => state !== "skipped");
  const skipped = findings.filter(({ state }) => state === "skipped");
  const reasons = [...new Set(skipped.map(({ message }) => message))];
  const lines = done.flatMap(({ check, state, message, hint }) => [
    ...row(MARKS[state], `${check}: ${message}`),
    ...(hint === undefined ? [] : row("", `Hint: ${hint}`)),
  ]);
  for (const reason of reasons) {
    const names = skipped.filter(({ message }) => message === reason).map(({ check }) => check);
    lines.push(...row(MARKS.skipped, `${names.join(", ")} (${reason})`));
  }
  const count = (level: Finding["state"]) => done.filter(({ state }) => state === level).length;
  return `${[...lines, "", `Failures: ${count("failure")}, warnings: ${count("warning")}`].join("\n")}\n`;
}

function row(mark: string, text: string): string[] {
  return wrap(printable(mark.padEnd(INDENT) + text), mark === "" ? 6 : INDENT + 2);
}
