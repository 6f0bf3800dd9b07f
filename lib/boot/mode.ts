import { booleanOf } from "../tools/text/boolean-word.ts";
import { CommandError } from "../tools/text/errors.ts";

/** The purpose of the boot. The second stage of a disk boot is `local`; `shell` is the rescue shell. */
export const MODES = ["disk", "live", "install", "local", "shell"] as const;
export type Mode = (typeof MODES)[number];

/** The mode in the second stage: the initrd's mode `disk` has become `local`. */
export const RUNNING_MODES = ["local", "live", "install", "shell"] as const;
export type RunningMode = (typeof RUNNING_MODES)[number];

/** The kernel parameters of the boot itself; all others belong to the configuration. */
export interface BootWords {
  /** `k3os.mode=X`, or `rescue` for the mode `shell`; the last one counts. */
  readonly mode: string | undefined;
  /** `k3os.fallback_mode=X`: the mode if no installed system is found. */
  readonly fallbackMode: string | undefined;
  /** `k3os.state=UUID`: the file system of the installed system, set by the boot menu. */
  readonly state: string | undefined;
  /** `k3os.takeover=UUID`: the file system whose old system is to be replaced; set only by the takeover's own menu. */
  readonly takeover: string | undefined;
  /** `k3os.boot=X`: the boot menu's decision about a generation on trial, or its entry "Previous". */
  readonly generation: MenuChoice | undefined;
  /** `k3os.debug` */
  readonly debug: boolean;
}

const MENU_CHOICES = ["trial", "fallback", "previous"] as const;
export type MenuChoice = (typeof MENU_CHOICES)[number];

/** Selects the boot's own parameters from the kernel command line. */
export function bootWords(cmdline: string): BootWords {
  let mode: string | undefined;
  let fallbackMode: string | undefined;
  let state: string | undefined;
  let takeover: string | undefined;
  let generation: MenuChoice | undefined;
  let debug = false;
  for (const word of cmdline.split(/\s+/)) {
    const [key, value = ""] = split(word);
    if (key === "rescue" && !word.includes("=")) mode = "shell";
    else if (key === "k3os.mode") mode = value;
    else if (key === "k3os.fallback_mode") fallbackMode = value;
    else if (key === "k3os.state") state = value || undefined;
    else if (key === "k3os.takeover") takeover = value;
    else if (key === "k3os.boot") generation = MENU_CHOICES.find((choice) => choice === value);
    else if (key === "k3os.debug") debug = booleanOf(value) ?? true;
  }
  return { mode, fallbackMode, state, takeover, generation, debug };
}

function split(word: string): [string, string?] {
  const bare = word.replaceAll('"', "");
  const at = bare.indexOf("=");
  return at === -1 ? [bare] : [bare.slice(0, at), bare.slice(at + 1)];
}

/**
 * Decides what an initrd boots; undefined means: wait for more devices. An explicit mode takes effect at once.
 * Otherwise an installed system has priority. The fallback mode is used only at the end of the wait, so that a slow
 * disk is never overwritten by an installation. Throws CommandError for an unknown mode, or if nothing was found by the
 * end of the wait.
 */
export function decideMode(
  words: Pick<BootWords, "mode" | "fallbackMode">,
  found: { readonly state: boolean; readonly waited: boolean },
): Exclude<Mode, "local"> | undefined {
  if (words.mode !== undefined) return initrdMode(words.mode, "k3os.mode");
  if (found.state) return "disk";
  if (!found.waited) return undefined;
  if (words.fallbackMode !== undefined) return initrdMode(words.fallbackMode, "k3os.fallback_mode");
  throw new CommandError('No file system labelled "K3OS_STATE" was found', {
    hint: "boot with k3os.mode=live or k3os.mode=install from an installation medium, or check the disk",
  });
}

function initrdMode(name: string, parameter: string): Exclude<Mode, "local"> {
  // in an initrd, "local" can only mean the installed system
  if (name === "local") return "disk";
  const mode = MODES.find((known) => known === name);
  if (mode !== undefined && mode !== "local") return mode;
  const expected = MODES.filter((known) => known !== "local").join(", ");
  throw new CommandError(`Unknown mode "${name}" in ${parameter}: expected one of ${expected}`);
}
