import { refuseErrors } from "../../config/read/accept-configuration.ts";
import { readCmdline, splitCmdline } from "../../config/read/cmdline.ts";
import { type Diagnostic, hasErrors } from "../../config/read/diagnostics.ts";
import { CommandError, UsageError } from "../../tools/text/errors.ts";

/**
 * The entries of a medium's boot menu, with the kernel parameter that identifies each (lib/make/image/grub-menu.ts).
 */
export const MENU_ENTRIES = {
  live: "k3os.mode=live",
  install: "k3os.mode=install",
  rescue: "rescue",
} as const;
export type MenuEntry = keyof typeof MENU_ENTRIES;

/** The entry of this name. Throws UsageError if there is none. */
export function menuEntry(name: string): MenuEntry {
  const names = Object.keys(MENU_ENTRIES) as MenuEntry[];
  const found = names.find((entry) => entry === name);
  if (found !== undefined) return found;
  throw new UsageError(`Found the menu entry "${name}", expected ${names.join(", ")}`);
}

/** The changes to the boot menu of a medium. */
export interface MenuChange {
  /** Additional kernel parameters for every entry, as words of GRUB. */
  readonly words: readonly string[];
  /** The default entry; undefined: unchanged. */
  readonly startsBy: MenuEntry | undefined;
}

/**
 * Kernel parameters as words of GRUB's language; `warnings` has those that look like unknown settings. Throws
 * CommandError for invalid settings, and for parameters that would not reach the kernel unchanged.
 */
export function menuWords(cmdline: string): {
  readonly words: readonly string[];
  readonly warnings: readonly Diagnostic[];
} {
  const { diagnostics } = readCmdline(cmdline, "--cmdline");
  if (hasErrors(diagnostics)) refuseErrors("The kernel parameters have errors", diagnostics);
  const words = splitCmdline(cmdline).map(({ name, value, unclosed }) => {
    if (unclosed) throw new CommandError(`Found a quote in --cmdline that is never closed: ${cmdline}`);
    return menuWord(value === undefined ? name : `${name}=${value}`);
  });
  return { words, warnings: diagnostics };
}

/**
 * Quotes a word if necessary: GRUB removes these quotes, and puts double ones around a word with spaces, as the kernel
 * expects. It also puts backslashes before quotes and backslashes, which the kernel does not remove
 * (grub_create_loader_cmdline() in grub-core/lib/cmdline.c).
 */
function menuWord(word: string): string {
  if (/['"\\]/.test(word)) {
    throw new CommandError(`Found a quote or a backslash in "${word}": GRUB cannot pass it to the kernel`, {
      hint: "put the setting into a configuration file with --config",
    });
  }
  return /^[\w.,:=/@%+-]+$/.test(word) ? word : `'${word}'`;
}

/** The text of `grub.cfg` with the change. Throws CommandError if it has no such entries. */
export function changeMenu(text: string, { words, startsBy }: MenuChange): string {
  const entries = [...text.matchAll(/^menuentry [\s\S]*?^\}/gm)].map(([entry]) => entry);
  if (!entries.some((entry) => linuxLine(entry) !== "")) {
    throw new CommandError("The boot menu of the medium has no entry that starts Linux");
  }
  const added = words.map((word) => ` ${word}`).join("");
  const changed = text.replace(LINUX_LINE, (line) => line.trimEnd() + added);
  if (startsBy === undefined) return changed;
  const parameter = MENU_ENTRIES[startsBy];
  const at = entries.findIndex((entry) => linuxLine(entry).split(/\s+/).includes(parameter));
  if (at < 0) throw new CommandError(`The boot menu of the medium has no entry with "${parameter}"`);
  return changed.replace(/^set default=.*$/m, `set default=${at}`);
}

const LINUX_LINE = /^[ \t]*linux[ \t].*$/gm;

function linuxLine(entry: string): string {
  return entry.match(LINUX_LINE)?.[0] ?? "";
}
