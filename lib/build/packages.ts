import { CommandError } from "../errors.ts";
import type { Host } from "../host.ts";

/** How long another apt-get may go on: that of another build, or of the machine itself. */
const LOCK_SECONDS = 300;

/** Installs the Debian packages that are missing; without root, throws a CommandError that holds the one line to run. */
export async function ensurePackages(
  packages: readonly string[],
  host: Pick<Host, "run" | "log">,
): Promise<void> {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own placeholders
  const query = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\\n", ...packages];
  const { stdout } = await host.run(query, { check: false });
  const missing = packages.filter((name) => !stdout.split("\n").includes(`${name} installed`));
  if (missing.length === 0) return;
  const install = ["apt-get", "install", "-y", "--no-install-recommends", ...missing];
  if (process.getuid?.() !== 0) {
    throw new CommandError(`Missing Debian packages: ${missing.join(" ")}`, {
      hint: `run: sudo apt-get update && sudo ${install.join(" ")}`,
    });
  }
  host.log.info(`Installing ${missing.join(" ")} …`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await host.run(["apt-get", "update"], { env });
  await host.run([...install, "-o", `DPkg::Lock::Timeout=${LOCK_SECONDS}`], { env });
}
