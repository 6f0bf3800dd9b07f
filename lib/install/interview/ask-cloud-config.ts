import { fetchConfig, refuseErrors } from "../../config/read/accept-configuration.ts";
import type { Host } from "../../tools/host/host.ts";
import { createLog } from "../../tools/host/log.ts";
import { formatError } from "../../tools/text/errors.ts";
import { isComposed, type Step } from "./step.ts";

/** A file with the complete configuration. It is downloaded and validated before the answer is accepted. */
export const cloudConfig: Step = {
  skip: (known) => !isComposed(known),
  ask: async ({ settings, diagnostics }, asker, host) => {
    if (await asker.confirm("Config system with cloud-init file?")) {
      let warnings = "";
      const url = await asker.text("Path or URL of the file (nothing: no file)", async (answer) => {
        const found = await checkFile(answer, host);
        warnings = found.warnings;
        return found.problem;
      });
      if (warnings !== "") await asker.show(warnings);
      if (url.trim() !== "") return { settings: { ...settings, configUrl: url.trim() } };
    }
    // the answers become part of this configuration
    refuseErrors("The configuration of the running system has errors", diagnostics);
    return {};
  },
};

/** The errors of a configuration file, and the warnings for its author. */
async function checkFile(
  answer: string,
  host: Pick<Host, "clock" | "env">,
): Promise<{ readonly problem: string | undefined; readonly warnings: string }> {
  let warnings = "";
  if (answer.trim() === "") return { problem: undefined, warnings };
  const log = createLog((line) => {
    warnings += line;
  });
  try {
    await fetchConfig(answer.trim(), { ...host, log });
    return { problem: undefined, warnings };
  } catch (error) {
    return { problem: `${warnings}${formatError(error).replace(/^Error: /, "")}`, warnings: "" };
  }
}
