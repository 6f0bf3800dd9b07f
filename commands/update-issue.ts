import { readFileSync } from "node:fs";
import { readConfig } from "../lib/config/read/read.ts";
import { GENERATED, writtenBy } from "../lib/config/schema/generated-files.ts";
import { defineCommand } from "../lib/tools/cli/cli.ts";
import { writeFileAtomic } from "../lib/tools/fs/atomic.ts";
import { readTextIfThere } from "../lib/tools/fs/read-bounded.ts";
import { cmd } from "../lib/tools/host/cmd.ts";
import { inRoot } from "../lib/tools/host/paths.ts";
import { addressTable, issueText } from "../lib/tools/node/issue.ts";
import { EXIT } from "../lib/tools/text/errors.ts";

const ISSUE = GENERATED.issue.path;
/** The image's file, which is copied to /etc at boot. */
const TEMPLATE = "/usr/etc/issue";

/** `k3os update-issue`, and the original's script of the same name. */
export const updateIssue = defineCommand({
  description: `
Writes the node's addresses to /etc/issue and refreshes the login prompts. A
customized /etc/issue is not changed.`,
  options: {},
  exits: { done: "done, or /etc/issue is customized" },
  needsRoot: () => true,
  run: async (_args, host) => {
    if (writtenBy(GENERATED.issue, (await readConfig(host)).config) >= 0) {
      host.log.debug(`"${ISSUE}" is written by write_files: left alone`);
      return EXIT.done;
    }
    const template = readFileSync(inRoot(host, TEMPLATE), "utf8");
    const file = inRoot(host, ISSUE);
    const [logo = ""] = template.split("\n\n");
    if (readTextIfThere(file)?.startsWith(logo) === false) {
      host.log.debug(`"${ISSUE}" is not the image's: left alone`);
      return EXIT.done;
    }
    const { stdout } = await host.run(cmd`ip -json address`);
    const changed = writeFileAtomic(file, issueText(template, addressTable(stdout)));
    // fails if no terminal waits for a login
    if (changed) await host.run(cmd`agetty --reload`, { check: false });
    return EXIT.done;
  },
});
