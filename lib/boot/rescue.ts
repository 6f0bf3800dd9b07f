import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readTextIfThere } from "../tools/fs/read-bounded.ts";
import { STARTS } from "../tools/generation/start-count.ts";
import { readTrial, type Trial } from "../tools/generation/trial.ts";
import { PATH } from "../tools/host/paths.ts";
import { formatError } from "../tools/text/errors.ts";
import type { BootHost } from "./boot-host.ts";
import { goDown } from "./go-down.ts";
import { bootWords, type MenuChoice } from "./mode.ts";
import { NoWayBack } from "./no-way-back.ts";

/** Shells in order of preference, each as the start of an argument vector that makes the console its terminal. */
const SHELLS: readonly (readonly string[])[] = [
  ["/usr/bin/setsid", "--ctty", "--wait", "/usr/bin/bash", "--login"],
  ["/bin/busybox", "setsid", "-c", "/bin/busybox", "sh", "-l"],
  [PATH.rescueShell, "setsid", "-c", PATH.rescueShell, "sh", "-l"],
  ["/bin/sh"],
];

/** Milliseconds to read why a generation on trial is given up. */
const READING_TIME = 10_000;

/**
 * Reports on the console why the boot failed, offers a root shell, and reboots the machine when the shell ends. If a
 * new generation is on trial and another boot can change the outcome, there is no prompt: the machine reboots, and
 * finally the previous generation starts.
 */
export async function failBoot(error: unknown, host: BootHost): Promise<never> {
  host.log.error(formatError(error).replace(/^Error: /, ""));
  const again = mayRestart(error);
  if (again) host.log.info("These versions are on trial: rebooting");
  host.log.close();
  if (again) {
    await host.clock.sleep(READING_TIME);
    return await goDown("restart", host);
  }
  process.stderr.write(
    `\n*** k3OS could not boot ***\n${formatError(error)}\n` +
      "For more, boot with k3os.debug. This is a root shell; exit it to reboot.\n\n",
  );
  return rescueShell(host);
}

/** Runs a root shell on the console as a child of process 1, whose own exit would be a kernel panic; then reboots. */
export async function rescueShell(host: BootHost): Promise<never> {
  const shell = SHELLS.find(([program = ""]) => existsSync(program));
  if (shell === undefined) {
    process.stderr.write("No shell was found. Rebooting in 60 s.\n");
    await host.clock.sleep(60_000);
  } else {
    await runShell(shell, host);
  }
  return await goDown("restart", host);
}

/** Possible locations of the state file system, depending on the progress of the boot. */
const ROOTS = ["/sysroot", PATH.base, "/"];

/** Whether to reboot without a prompt: see {@link restartLeadsOn}. */
export function mayRestart(error: unknown): boolean {
  const cmdline = readTextIfThere(PATH.cmdline) ?? "";
  const choice = bootWords(cmdline).generation;
  return restartLeadsOn(
    error,
    choice,
    ROOTS.map(recordBelow).find((trial) => trial !== undefined),
  );
}

/**
 * Whether another boot can change the outcome: a generation is on trial, and the boot menu or the record has counted
 * this boot. Without a count, machines would reboot for ever. The record may be missing if the disk was not found.
 */
export function restartLeadsOn(
  error: unknown,
  choice: MenuChoice | undefined,
  trial: Pick<Trial, "state" | "kind" | "left"> | undefined,
): boolean {
  if (error instanceof NoWayBack || choice === "fallback" || choice === "previous") return false;
  // a new kernel without the driver of the disk cannot read the record, but the boot menu has counted this boot
  if (trial === undefined) return choice === "trial";
  if (trial.state !== "trial" || trial.kind !== "upgrade") return false;
  return choice === "trial" || trial.left < STARTS;
}

function recordBelow(root: string): Trial | undefined {
  try {
    return readTrial(join(root, PATH.system));
  } catch {
    return undefined; // an invalid record does not justify a reboot
  }
}

function runShell([program = "", ...args]: readonly string[], host: BootHost): Promise<void> {
  const env = { HOME: "/root", TERM: "linux", ...host.env, PS1: "rescue# " };
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: "inherit", env });
    child.on("error", (error) => {
      process.stderr.write(`Cannot start ${program}: ${error.message}\n`);
      resolve();
    });
    child.on("close", () => resolve());
  });
}
