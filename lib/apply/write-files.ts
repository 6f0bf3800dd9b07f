import { lstatSync } from "node:fs";
import { decodeContent } from "../config/schema/content.ts";
import { generatedAt, writtenPath } from "../config/schema/generated-files.ts";
import type { WriteFile } from "../config/schema/schema.ts";
import { requireReplaceable } from "../tools/fs/atomic.ts";
import { openTrusted } from "../tools/fs/trusted-path.ts";
import { cmd } from "../tools/host/cmd.ts";
import { inRoot } from "../tools/host/paths.ts";
import { CommandError, during } from "../tools/text/errors.ts";
import { type Applier, type ApplyHost, forEachItem, listItems } from "./applier.ts";
import { reloadService } from "./reload-service.ts";
import { putFile } from "./system-files.ts";
import { findOwner, ownerOfHome } from "./users.ts";

/**
 * Writes files in order and atomically. Symbolic links are replaced, set-id bits are kept. In the runtime phase,
 * services that have already read a changed file read it again.
 */
export function writeFiles(options: { restart: boolean }): Applier {
  return {
    name: "write_files",
    apply: async (config, host) => {
      const changed = new Set<string>();
      try {
        await forEachItem(listItems("write_files", config.writeFiles), (file) =>
          during(`Writing ${JSON.stringify(file.path)}`, () => {
            const path = absolutePath(file.path);
            if (writeOne(path, file, host)) changed.add(path);
          }),
        );
      } finally {
        if (options.restart && !host.dryRun) await notifyServices([...changed], host);
      }
    },
  };
}

const UNITS = "/etc/systemd/system/";
/** Services that read all files of a directory once: files from a cloud come later. */
const READ_ONCE: Readonly<Record<string, string>> = {
  "/etc/sysctl.d/": "systemd-sysctl.service",
  "/etc/modules-load.d/": "systemd-modules-load.service",
};

async function notifyServices(changed: readonly string[], host: Pick<ApplyHost, "run">): Promise<void> {
  if (changed.some((path) => path.startsWith(UNITS))) await host.run(cmd`systemctl daemon-reload`);
  const services = new Set(changed.map(readerOf));
  for (const service of services) if (service !== undefined) await reloadService(service, host);
}

function readerOf(path: string): string | undefined {
  const directory = Object.keys(READ_ONCE).find((start) => path.startsWith(start));
  return directory === undefined ? generatedAt(path)?.service : READ_ONCE[directory];
}

/** Returns whether the file has changed. */
function writeOne(path: string, file: WriteFile, host: ApplyHost): boolean {
  requireReplaceable(lstatSync(inRoot(host, path), { throwIfNoEntry: false }));
  const content = decodeContent(file.content ?? "", file.encoding ?? "");
  const self = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  const owner = findOwner(file.owner ?? "", self, host);
  if (!host.dryRun) makeParentsInHome(path, host);
  return putFile(path, content, { mode: parseMode(file.permissions ?? ""), ...owner }, host);
}

/** Missing directories of a file in a user's home belong to the user, whose programs need to write there too. */
function makeParentsInHome(path: string, host: ApplyHost): void {
  const owner = ownerOfHome(path, host);
  if (owner === undefined) return;
  using _home = openTrusted(host.root, owner.home, { make: true });
  using _file = openTrusted(host.root, path, { make: true, owner });
}

/** `..` never leads above the root. */
function absolutePath(path: string): string {
  if (path === "" || path.endsWith("/")) throw new CommandError("expected the path of a file");
  if (path.includes("\0")) throw new CommandError("found a NUL character in the path");
  return writtenPath(path);
}

function parseMode(text: string): number {
  if (text === "") return 0o644;
  if (!/^(0o)?[0-7]{1,5}$/.test(text))
    throw new CommandError(`found the permissions "${text}", expected such as "0644"`);
  return Number.parseInt(text.replace("0o", ""), 8) & 0o7777;
}
