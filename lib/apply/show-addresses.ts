import { readFileSync } from "node:fs";
import { GENERATED, writtenBy } from "../config/schema/generated-files.ts";
import type { CloudConfig } from "../config/schema/schema.ts";
import { writeFileAtomic } from "../tools/fs/atomic.ts";
import { isThere } from "../tools/fs/links.ts";
import { readTextIfThere } from "../tools/fs/read-bounded.ts";
import { cmd } from "../tools/host/cmd.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot } from "../tools/host/paths.ts";
import { addressTable, issueText } from "../tools/node/issue.ts";

const ISSUE = GENERATED.issue.path;
/** The image's file, which is copied to /etc at boot. */
const TEMPLATE = "/usr/etc/issue";

/**
 * Writes the node's addresses to /etc/issue and refreshes the login prompts. A file that is not the image's, or that
 * the configuration writes, is left alone. Throws CommandError.
 */
export async function showAddresses(
  config: CloudConfig,
  host: Pick<Host, "root" | "run" | "log">,
): Promise<void> {
  const template = inRoot(host, TEMPLATE);
  if (!isThere(template)) return; // a test's root
  if (writtenBy(GENERATED.issue, config) >= 0) {
    host.log.debug(`"${ISSUE}" is written by write_files: left alone`);
    return;
  }
  const text = readFileSync(template, "utf8");
  const file = inRoot(host, ISSUE);
  const [logo = ""] = text.split("\n\n");
  if (readTextIfThere(file)?.startsWith(logo) === false) {
    host.log.debug(`"${ISSUE}" is not the image's: left alone`);
    return;
  }
  const { stdout } = await host.run(cmd`ip -json address`);
  const changed = writeFileAtomic(file, issueText(text, addressTable(stdout)));
  // fails if no terminal waits for a login
  if (changed) await host.run(cmd`agetty --reload`, { check: false });
}
