import { readFileSync } from "node:fs";
import type { BootHost } from "../lib/boot/host.ts";
import { defineCommand } from "../lib/cli.ts";
import { UsageError } from "../lib/errors.ts";
import { execve } from "../lib/native.ts";
import { PATH } from "../lib/paths.ts";

/** What the programs started during boot find; the service manager makes its own. */
const BASIC_ENVIRONMENT = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/",
  TERM: "linux",
} as const;

/** What the kernel starts as process 1: `/init` in the initrd, `/sbin/init` on a disk or in RAM. */
export const init = defineCommand({
  description: "Only the kernel calls this.",
  options: {},
  rawArguments: true,
  run: async () => {
    if (process.pid !== 1) throw new UsageError("Only the kernel can start this command, as process 1");
    const { createBootHost } = await import("../lib/boot/host.ts");
    const { bootWords } = await import("../lib/boot/mode.ts");
    process.env.PATH ??= BASIC_ENVIRONMENT.PATH; // the kernel sets only HOME and TERM
    const host = createBootHost({ debug: bootWords(readCmdline()).debug });
    try {
      if (process.argv0 === "/init") await leaveInitrd(host);
      else await startSystem(host);
    } catch (error) {
      const { failBoot } = await import("../lib/boot/rescue.ts");
      return await failBoot(error, host);
    }
    return 0;
  },
});

function readCmdline(): string {
  try {
    return readFileSync(PATH.cmdline, "utf8");
  } catch {
    return ""; // /proc is mounted later, on a foreign board
  }
}

async function leaveInitrd(host: BootHost): Promise<never> {
  const { bootInitrd } = await import("../lib/boot/initrd.ts");
  const { switchRoot } = await import("../lib/boot/switch-root.ts");
  const root = await bootInitrd(host);
  host.log.close();
  switchRoot(root.path);
  return execve("/sbin/init", ["/sbin/init"], { ...BASIC_ENVIRONMENT, K3OS_MODE: root.mode });
}

async function startSystem(host: BootHost): Promise<never> {
  const { enterRoot } = await import("../lib/boot/enter-root.ts");
  const { prepareSystem } = await import("../lib/boot/system.ts");
  const inherited = process.env.K3OS_MODE;
  const mode = inherited === "live" || inherited === "install" || inherited === "shell" ? inherited : "local";
  await enterRoot(host);
  await prepareSystem({
    ...host,
    mode,
    continued: inherited === "local",
    applyPhase: (phase) => applyConfiguration(phase, host),
  });
  host.log.info(mode === "shell" ? "Starting the rescue shell" : "Starting services");
  host.log.close();
  if (mode === "shell") {
    const { rescueShell } = await import("../lib/boot/rescue.ts");
    return rescueShell(host);
  }
  return execve("/usr/lib/systemd/systemd", ["/sbin/init"], BASIC_ENVIRONMENT);
}

async function applyConfiguration(phase: "initrd" | "boot", host: BootHost): Promise<void> {
  const { readConfig } = await import("../lib/config/read.ts");
  const { applyPhase } = await import("../lib/apply/stages.ts");
  const { config } = await readConfig(host);
  await applyPhase(phase, config, host);
}
