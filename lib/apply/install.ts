import { PATH } from "../paths.ts";
import type { Applier } from "./applier.ts";
import { readIfExists } from "./files.ts";

/** Where the running system has this executable under its own name. */
const EXECUTABLE = "/sbin/k3os";

/** In the boot mode `install`, starts the installer on our own terminal. */
export const install: Applier = {
  name: "install",
  apply: async (_config, host) => {
    if (readIfExists(PATH.mode, host)?.trim() !== "install") return;
    if (host.dryRun) host.log.info("Would run the installer");
    else await host.run([EXECUTABLE, "install"], { stdio: "inherit" });
  },
};
