import { cmd } from "../../tools/host/cmd.ts";
import type { Host } from "../../tools/host/host.ts";
import { CommandError, messageOf } from "../../tools/text/errors.ts";

/** Timeout for the lock of another apt-get, of a parallel build or of the machine itself. */
const LOCK_SECONDS = 300;

/** Installs missing Debian packages; without root, throws a CommandError with the command to run. */
export async function ensurePackages(
  packages: readonly string[],
  host: Pick<Host, "run" | "log" | "clock">,
): Promise<void> {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own placeholders
  const format = "${Package} ${db:Status-Status}\\n";
  const query = cmd`dpkg-query --show --showformat ${format} ${packages}`;
  const { stdout } = await host.run(query, { check: false });
  const missing = packages.filter((name) => !stdout.split("\n").includes(`${name} installed`));
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0) {
    throw new CommandError(`Missing Debian packages: ${missing.join(" ")}`, {
      hint: `run: ${installLine(missing)}`,
    });
  }
  host.log.info(`Installing ${missing.join(" ")} …`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  for (const argv of [UPDATE, installArgv(missing)]) await runWhenUnlocked(argv, env, host);
}

const UPDATE = ["apt-get", "update"];

function installArgv(packages: readonly string[]): string[] {
  return ["apt-get", "install", "-y", "--no-install-recommends", ...packages];
}

/** The command with which a user installs Debian packages. */
export function installLine(packages: readonly string[]): string {
  return `sudo ${UPDATE.join(" ")} && sudo ${installArgv(packages).join(" ")}`;
}

/** apt-get has an option to wait for one of its locks, but not for the other. */
async function runWhenUnlocked(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  host: Pick<Host, "run" | "clock">,
): Promise<void> {
  for (let waited = 0; ; waited += 2) {
    try {
      await host.run(argv, { env });
      return;
    } catch (error) {
      if (waited >= LOCK_SECONDS || !messageOf(error).includes("Could not get lock")) throw error;
    }
    await host.clock.sleep(2_000);
  }
}
