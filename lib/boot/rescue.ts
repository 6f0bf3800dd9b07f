import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { formatError } from "../errors.ts";
import { readTrial } from "../generation/trial.ts";
import { PATH } from "../paths.ts";
import { goDown } from "./go-down.ts";
import type { BootHost } from "./host.ts";

/** Shells in the order of preference, each as the start of an argument vector that gives it the console as its terminal. */
const SHELLS: readonly (readonly string[])[] = [
  ["/usr/bin/setsid", "--ctty", "--wait", "/usr/bin/bash", "--login"],
  ["/bin/busybox", "setsid", "-c", "/bin/busybox", "sh", "-l"],
  [PATH.rescueShell, "setsid", "-c", PATH.rescueShell, "sh", "-l"],
  ["/bin/sh"],
];

/** Milliseconds for a person to read why a generation on trial is given up. */
const READING_TIME = 10_000;

/**
 * Tells on the console why the boot failed, offers a root shell, and restarts the machine when it is left. Where a new
 * generation is on trial nobody is asked: it restarts at once, and in the end the generation before is started.
 */
export async function failBoot(error: unknown, host: BootHost): Promise<never> {
  host.log.error(formatError(error).replace(/^Error: /, ""));
  const onTrial = isOnTrial();
  if (onTrial) host.log.info("These versions are on trial: restarting");
  host.log.close();
  if (onTrial) {
    await host.clock.sleep(READING_TIME);
    return await goDown("restart", host);
  }
  process.stderr.write(
    `\n*** k3OS could not boot ***\n${formatError(error)}\n` +
      "For more, boot with k3os.debug. This is a root shell; leaving it restarts the machine.\n\n",
  );
  return rescueShell(host);
}

/** A root shell on the console as a child of process 1, whose own end would be a kernel panic; then a restart. */
export async function rescueShell(host: BootHost): Promise<never> {
  const shell = SHELLS.find(([program = ""]) => existsSync(program));
  if (shell === undefined) {
    process.stderr.write("There is no shell here. Restarting in 60 s.\n");
    await host.clock.sleep(60_000);
  } else {
    await runShell(shell, host);
  }
  return await goDown("restart", host);
}

/** The state file system is in one of these places, by how far the boot has come. */
const ROOTS = ["/sysroot", PATH.base, "/"];

/** Whether the versions that are being started are still on trial. */
export function isOnTrial(): boolean {
  return ROOTS.some((root) => {
    try {
      const trial = readTrial(join(root, PATH.system));
      return trial?.state === "trial" && trial.kind === "upgrade";
    } catch {
      return false; // a record that nobody understands is no reason to restart for ever
    }
  });
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
