import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { grubConfig, withStateWord } from "../tools/disk/grub.ts";
import { emptyEnvironment, GRUB_DIRECTORIES, TRIAL_VARIABLE } from "../tools/disk/grubenv.ts";
import { switchMenu } from "../tools/disk/switch-menu.ts";
import { writeFileAtomic } from "../tools/fs/atomic.ts";
import { cmd } from "../tools/host/cmd.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot } from "../tools/host/paths.ts";
import { CommandError } from "../tools/text/errors.ts";

/**
 * Updates the boot menu. A menu of the original's installer becomes one that supports trials, with its consoles, debug
 * and the user's kernel parameters; a menu of ours without the parameter for its disk gets it. The old menu is kept as
 * `grub.cfg.old`. Any other menu is not changed. Throws CommandError if the file system's UUID is unavailable.
 */
export async function renewMenu(host: Pick<Host, "root" | "run" | "log">): Promise<void> {
  nameDisk(host.root, host);
  const path = inRoot(host, "/boot/grub/grub.cfg");
  if (!existsSync(path)) return;
  const text = readFileSync(path, "utf8");
  const line = /^menuentry "k3OS Current" \{[^}]*?^\s*linux \S+ (.*)$/m.exec(text)?.[1];
  if (line === undefined || text.includes(TRIAL_VARIABLE)) return;
  const all: readonly string[] = line.match(/(?:[^\s"]|"[^"]*")+/g) ?? [];
  const consoles = all.filter((word) => word.startsWith("console="));
  const words = all.filter((word) => !/^(console=|printk\.devkmsg=|panic=|k3os\.debug)/.test(word));
  const uuid = (await host.run(cmd`findmnt --noheadings --output UUID ${inRoot(host, "/")}`)).stdout.trim();
  if (uuid === "") throw new CommandError('The boot menu stays as it is: the file system of "/" has no UUID');
  const environment = join(path, "../grubenv");
  if (!existsSync(environment)) writeFileAtomic(environment, emptyEnvironment());
  exchange(
    path,
    grubConfig({
      uuid,
      consoles: consoles.map((word) => word.slice("console=".length)),
      debug: all.includes("k3os.debug"),
      words,
    }),
  );
  host.log.info("The boot menu now supports trials of upgrades; the previous one is grub.cfg.old");
}

/**
 * Adds the parameter for the disk to a menu of ours below `root`. Versions that do not support the parameter ignore it,
 * so this can be done before the boot of a new version, which could be confused by another disk with the same label.
 */
export function nameDisk(root: string, host: Pick<Host, "log">): void {
  const path = GRUB_DIRECTORIES.map((directory) => join(root, directory, "grub.cfg")).find(existsSync);
  const menu = path === undefined ? undefined : withStateWord(readFileSync(path, "utf8"));
  if (path === undefined || menu === undefined) return;
  exchange(path, menu);
  host.log.info("The boot menu now names its disk; the previous one is grub.cfg.old");
}

function exchange(path: string, menu: string): void {
  const next = join(dirname(path), "grub.cfg.new");
  writeFileAtomic(next, menu);
  switchMenu({ menu: path, next, kept: join(dirname(path), "grub.cfg.old") });
}
