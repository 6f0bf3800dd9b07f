import { readFileSync, realpathSync } from "node:fs";
import type { BootHost } from "../lib/boot/boot-host.ts";
import { bootWords, RUNNING_MODES, type RunningMode } from "../lib/boot/mode.ts";
import { defineCommand } from "../lib/tools/cli/cli.ts";
import { execve } from "../lib/tools/host/native.ts";
import { PATH } from "../lib/tools/host/paths.ts";
import { UsageError } from "../lib/tools/text/errors.ts";

/** The environment of programs during boot; the service manager creates its own. */
const BASIC_ENVIRONMENT = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/",
  TERM: "linux",
} as const;

/** Passes the mode from the initrd to the `/sbin/init` of another version. */
const MODE_VARIABLE = "K3OS_MODE";

/** The program that the kernel starts as process 1: `/init` in the initrd, `/sbin/init` on a disk or in RAM. */
export const init = defineCommand({
  description: "Only the kernel calls this.",
  options: {},
  rawArguments: true,
  run: async () => {
    if (process.pid !== 1) throw new UsageError("Only the kernel can start this command, as process 1");
    process.env.PATH ??= BASIC_ENVIRONMENT.PATH; // the kernel sets only HOME and TERM
    const { createBootHost } = await import("../lib/boot/boot-host.ts");
    const { mountKernelFileSystems } = await import("../lib/boot/mounts.ts");
    let host = createBootHost({ debug: false });
    try {
      mountKernelFileSystems();
      host = createBootHost({ debug: bootWords(readFileSync(PATH.cmdline, "utf8")).debug });
      if (process.argv0 === "/init") await leaveInitrd(host);
      else await startSystem(inheritedMode(), { continued: process.env[MODE_VARIABLE] === "local" }, host);
    } catch (error) {
      const { failBoot } = await import("../lib/boot/rescue.ts");
      return await failBoot(error, host);
    }
    return 0;
  },
});

/** The mode that the initrd has chosen; a foreign board's kernel passes none, which means the installed system. */
function inheritedMode(): RunningMode {
  return RUNNING_MODES.find((mode) => mode === process.env[MODE_VARIABLE]) ?? "local";
}

async function leaveInitrd(host: BootHost): Promise<never> {
  const { bootInitrd } = await import("../lib/boot/initrd/first-stage.ts");
  const { keepInjected } = await import("../lib/boot/injected.ts");
  const { isSameProgram, switchRoot } = await import("../lib/boot/switch-root.ts");
  const root = await bootInitrd(host);
  const same = isSameProgram(root.path);
  keepInjected(host);
  switchRoot(root.path);
  // the usual case: the current version is the running program, so a new start would only take time
  if (same) return startSystem(root.mode, { continued: root.mode === "local" }, host);
  host.log.close();
  return execve("/sbin/init", ["/sbin/init"], { ...BASIC_ENVIRONMENT, [MODE_VARIABLE]: root.mode });
}

async function startSystem(
  mode: RunningMode,
  { continued }: { continued: boolean },
  host: BootHost,
): Promise<never> {
  const foreign = mode === "local" && !continued;
  const { enterRoot } = await import("../lib/boot/enter-root.ts");
  const { resetData } = await import("../lib/boot/initrd/reset-data.ts");
  const { prepareSystem } = await import("../lib/boot/system/second-stage.ts");
  host.log.close(); // the journal's path changes with the root
  try {
    // on a disk, the initrd has done both
    if (foreign) await settleForeignRoot(host);
    if (foreign) resetData("/", host);
    await enterRoot(host);
  } catch (error) {
    if (foreign) {
      const { startOldInit } = await import("../lib/boot/old-init.ts");
      startOldInit(error, { args: process.argv.slice(2), env: BASIC_ENVIRONMENT }, host);
    }
    throw error;
  }
  const applyPhase = (phase: "initrd" | "boot") => applyConfiguration(phase, host);
  await prepareSystem({ ...host, mode, continued, applyPhase });
  host.log.info(mode === "shell" ? "Starting the rescue shell" : "Starting services");
  host.log.close();
  if (mode === "shell") {
    const { rescueShell } = await import("../lib/boot/rescue.ts");
    return rescueShell(host);
  }
  return execve("/usr/lib/systemd/systemd", ["/sbin/init"], BASIC_ENVIRONMENT);
}

/**
 * Chooses the versions if another boot loader has started us without doing so. If this makes another version current,
 * the machine continues as if it had been started with that version.
 */
async function settleForeignRoot(host: BootHost): Promise<void> {
  const { remountWritable } = await import("../lib/boot/enter-root.ts");
  const { settleGeneration } = await import("../lib/boot/trial/choose-generation.ts");
  remountWritable(host);
  const current = () => realpathSync(`${PATH.system}/k3os/current`);
  const before = current();
  settleGeneration("/", bootWords(readFileSync(PATH.cmdline, "utf8")).generation, host);
  if (current() === before) return;
  host.log.close();
  execve("/sbin/init", ["/sbin/init"], BASIC_ENVIRONMENT);
}

/** Errors are logged, here or by the appliers; they never stop the boot. */
async function applyConfiguration(phase: "initrd" | "boot", host: BootHost): Promise<void> {
  const { formatDiagnostic } = await import("../lib/config/read/diagnostics.ts");
  const { readConfig } = await import("../lib/config/read/read.ts");
  const { applyAndRecord } = await import("../lib/apply/outcome.ts");
  const found = await readConfig(host);
  // both phases read the same sources: one report is enough
  if (phase === "boot") {
    for (const diagnostic of found.diagnostics) host.log.warn(formatDiagnostic(diagnostic));
  }
  await applyAndRecord(phase, found, host);
}
