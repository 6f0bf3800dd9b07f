import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { runProgram } from "../../lib/host.ts";

const MENU = "/boot/grub/grub.cfg";

/** What is changed in the boot menu of a medium. */
export interface MenuChange {
  /** A kernel parameter that tells the entry to become the default: `k3os.mode=install`, `rescue`. */
  readonly parameter: string;
  /** Kernel parameters that this entry gets besides its own. */
  readonly words: readonly string[];
}

/** Copies a k3OS ISO with another boot menu. Kernel, initrd and boot loader stay the ISO's own. */
export async function remaster(iso: string, change: MenuChange, output: string): Promise<void> {
  const menu = `${output}.cfg`;
  rmSync(menu, { force: true });
  await runProgram(["xorriso", "-osirrox", "on", "-indev", iso, "-extract", MENU, menu]);
  const text = readFileSync(menu, "utf8");
  rmSync(menu, { force: true }); // it came with the medium's permissions
  writeFileSync(menu, changeMenu(text, change));
  copyFileSync(iso, output);
  // a new session at the end of the file: every boot record stays as it is
  await runProgram(["xorriso", "-dev", output, "-boot_image", "any", "keep", "-map", menu, MENU]);
  rmSync(menu);
}

/** The text of `grub.cfg` with the change made. Throws when no entry has the parameter. */
export function changeMenu(text: string, { parameter, words }: MenuChange): string {
  const entries = [...text.matchAll(/^menuentry [\s\S]*?^\}/gm)].map(([entry]) => entry);
  const at = entries.findIndex((entry) => linuxLine(entry).split(" ").includes(parameter));
  const entry = entries[at];
  if (entry === undefined) throw new Error(`The boot menu has no entry with "${parameter}":\n${text}`);
  const line = linuxLine(entry);
  const changed = entry.replace(line, [line, ...words].join(" "));
  return text.replace(entry, changed).replace(/^set default=.*$/m, `set default=${at}`);
}

function linuxLine(entry: string): string {
  return /^\s*linux .*$/m.exec(entry)?.[0] ?? "";
}
