import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../atomic.ts";
import { grubConfig } from "../disk/grub.ts";
import { emptyEnvironment } from "../disk/grubenv.ts";
import { switchMenu } from "../disk/switch-menu.ts";
import { TRIAL_VARIABLE } from "../generation/trial.ts";
import type { Host } from "../host.ts";
import { inRoot } from "../paths.ts";

/**
 * Gives a machine that the original's installer made a boot menu that knows of generations on trial. Consoles and debug
 * stay as the old menu has them, which is kept as `grub.cfg.old`. Any other menu is left alone.
 */
export async function renewMenu(host: Pick<Host, "root" | "run" | "log">): Promise<void> {
  const path = inRoot(host, "/boot/grub/grub.cfg");
  if (!existsSync(path)) return;
  const text = readFileSync(path, "utf8");
  const line = /^menuentry "k3OS Current" \{[^}]*?^\s*linux \S+ (.*)$/m.exec(text)?.[1];
  if (line === undefined || text.includes(TRIAL_VARIABLE)) return;
  const words = line.split(/\s+/);
  const consoles = words
    .filter((word) => word.startsWith("console="))
    .map((word) => word.slice("console=".length));
  const uuid = (
    await host.run(["findmnt", "--noheadings", "--output", "UUID", inRoot(host, "/")])
  ).stdout.trim();
  const environment = join(path, "../grubenv");
  if (!existsSync(environment)) writeFileSync(environment, emptyEnvironment());
  const next = `${path}.new`;
  writeFileAtomic(next, grubConfig({ uuid, consoles, debug: words.includes("k3os.debug") }));
  switchMenu({ menu: path, next, kept: `${path}.old` });
  host.log.info("The boot menu now knows of upgrades on trial; the one before is grub.cfg.old");
}
