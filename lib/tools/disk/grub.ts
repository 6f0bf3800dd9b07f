import { cmd } from "../host/cmd.ts";
import { FILE, LABEL } from "../host/paths.ts";
import { TRIAL_VARIABLE } from "./grubenv.ts";
import { TAKEOVER, TRIED } from "./takeover-record.ts";

/** What the boot menu of an installed disk depends on. */
export interface GrubMenu {
  /** UUID of the state file system. */
  readonly uuid: string;
  /** `console=` values in order; the last becomes /dev/console. */
  readonly consoles: readonly string[];
  /** Adds `k3os.debug`. */
  readonly debug: boolean;
  /** Further kernel parameters of every entry, as GRUB is to read them: those with blanks are quoted. */
  readonly words?: readonly string[];
}

const KERNELS = "/k3os/system/kernel";

/** Tells the initrd which file system GRUB has taken the kernel from, by UUID. */
export const STATE_WORD = "k3os.state";

/** Seconds after which a kernel that panics starts again, and so comes to count as a failed start. */
const PANIC_TIMEOUT = 10;

/**
 * The boot menu. An entry boots a kernel from inside its squashfs, through the link `current` or `previous`; entries of
 * `previous` appear only when there is one.
 * Source of the syntax: https://www.gnu.org/software/grub/manual/grub/html_node/Shell_002dlike-scripting.html
 */
export function grubConfig({ uuid, consoles, debug, words = [] }: GrubMenu): string {
  const state = `${STATE_WORD}=$state`;
  const normal = kernelParameters({ consoles, debug }, [state, ...words]);
  const rescue = kernelParameters({ consoles, debug: false }, [state, "rescue", ...words]);
  return `# Written by the k3OS installer
set default=0
set timeout=10
set gfxmode=auto
set gfxpayload=keep
insmod all_video
insmod gfxterm
${serialTerminal(consoles)}
load_env ${TRIAL_VARIABLE}
set state=${uuid}
if ! search --no-floppy --set=root --fs-uuid ${uuid}; then
  search --no-floppy --set=root --label ${LABEL.state}
  probe --set=state --fs-uuid $root
fi

${entry("k3OS Current", "$link", `${normal} $trial`, TRIAL_CHOICE)}
if [ -e ${KERNELS}/previous/${FILE.kernelSquashfs} ]; then
set fallback=1
${entry("k3OS Previous", "previous", `${normal} ${BOOT_WORD}=previous`)}fi
${entry("k3OS Rescue (current)", "current", rescue)}
if [ -e ${KERNELS}/previous/${FILE.kernelSquashfs} ]; then
${entry("k3OS Rescue (previous)", "previous", rescue)}fi
`;
}

/**
 * A menu that an earlier version made, with the word that names the file system on every line that starts a kernel of ours;
 * what a user has added to those lines stays. Undefined for a menu that has it already, or that we have not made.
 */
export function withStateWord(menu: string): string | undefined {
  const uuid = /^(?:if ! )?search --no-floppy --set=root --fs-uuid ([\w-]+)/m.exec(menu)?.[1];
  if (uuid === undefined || !menu.includes(TRIAL_VARIABLE) || menu.includes(`${STATE_WORD}=`))
    return undefined;
  return menu.replaceAll(/^\s*linux \(loop0\)\/vmlinuz(?=\s)/gm, `$& ${STATE_WORD}=${uuid}`);
}

/** Tells the initrd what the menu has decided. */
const BOOT_WORD = "k3os.boot";

/**
 * The entry that everybody starts counts the starts of a generation that is on trial, before it starts it; when none is
 * left, it starts the kernel of the generation before. GRUB cannot calculate, so the numbers are spelled out. A start that
 * it cannot write down is not counted, and not told as one that is: a machine that fails would restart for ever.
 */
const TRIAL_CHOICE = `  set link=current
  set trial=
  if [ "\${${TRIAL_VARIABLE}}" = 0 -a -e ${KERNELS}/previous/${FILE.kernelSquashfs} ]; then
    set link=previous
    set trial=${BOOT_WORD}=fallback
  elif [ "\${${TRIAL_VARIABLE}}" = 2 ]; then
    set ${TRIAL_VARIABLE}=1
    if save_env ${TRIAL_VARIABLE}; then set trial=${BOOT_WORD}=trial; fi
  elif [ "\${${TRIAL_VARIABLE}}" = 1 ]; then
    set ${TRIAL_VARIABLE}=0
    if save_env ${TRIAL_VARIABLE}; then set trial=${BOOT_WORD}=trial; fi
  fi
`;

function kernelParameters(
  { consoles, debug }: Pick<GrubMenu, "consoles" | "debug">,
  words: readonly string[],
): string {
  const console = consoles.map((value) => `console=${value}`);
  return [
    "printk.devkmsg=on",
    `panic=${PANIC_TIMEOUT}`,
    ...words,
    ...console,
    ...(debug ? ["k3os.debug"] : []),
  ].join(" ");
}

function entry(title: string, link: string, parameters: string, before = ""): string {
  return `menuentry "${title}" {
${before}  loopback loop0 ${KERNELS}/${link}/${FILE.kernelSquashfs}
  linux (loop0)/vmlinuz ${parameters}
  initrd ${KERNELS}/${link}/${FILE.initrd}
}
`;
}

/** The first line of {@link takeoverConfig}, by which it is known. */
export const TAKEOVER_MARK =
  '# Written by the k3OS installer; "k3os takeover --undo" brings the old menu back';

/** The modules, besides those in GRUB's own image, that the menus use: names of files in GRUB's directory. */
export const MENU_MODULES = ["loopback", "squash4", "linux", "search_fs_uuid", "loadenv", "test"] as const;

/**
 * The boot menu between a takeover's installation and its first boot. That starts the new system once: before it does,
 * it notes so in GRUB's environment block, and from then on starts the old system by its own menu, unless the new one
 * was found whole and has begun to delete the old. An unreadable kernel falls back to the old system, too, and so does a
 * disk that takes no note: the new system would be started again and again.
 */
export function takeoverConfig({ uuid, consoles, debug, words = [] }: GrubMenu): string {
  const parameters = [`k3os.takeover=${uuid}`, ...words];
  const note = `  if [ ! -e ${TAKEOVER.verified} ]; then
    set ${TRIED.name}=${TRIED.value}
    if ! save_env ${TRIED.name}; then
      unset fallback
      configfile ${TAKEOVER.oldMenu}
    fi
  fi
`;
  return `${TAKEOVER_MARK}
load_env ${TRIED.name}
search --no-floppy --set=root --fs-uuid ${uuid}
set default=0
set fallback=1
set timeout=5
if [ "\${${TRIED.name}}" = "${TRIED.value}" -a ! -e ${TAKEOVER.verified} ]; then
  set default=1
fi
${serialTerminal(consoles)}
${entry("k3OS (replaces the system on this disk)", "current", kernelParameters({ consoles, debug }, parameters), note)}
menuentry "The system that was installed before" {
  unset fallback
  configfile ${TAKEOVER.oldMenu}
}
`;
}

/**
 * Shows the menu on the first serial console too; `serial` fails where the machine has no such port. UEFI firmware
 * brings its own serial console, on which everything would appear twice.
 */
function serialTerminal(consoles: readonly string[]): string {
  for (const value of consoles) {
    const [, unit, speed = "9600"] = /^ttyS(\d+)(?:,(\d+))?/.exec(value) ?? [];
    if (unit === undefined) continue;
    return `if [ "$grub_platform" = pc ]; then
  if serial --unit=${unit} --speed=${speed}; then
    terminal_input --append serial
    terminal_output --append serial
  fi
fi
`;
  }
  return "";
}

/** A kind of machine that GRUB boots on: the directory below /usr/lib/grub, and what its core image must hold. */
export interface GrubPlatform {
  readonly name: string;
  /** Enough to find and read the state file system; everything else is loaded from there. */
  readonly modules: readonly string[];
}

const DISK_MODULES = ["part_msdos", "part_gpt", "ext2", "search_fs_uuid"];

/** The platform of this name (a row of lib/tools/host/targets.ts): `i386-pc`, `x86_64-efi`, `arm64-efi`. */
export function grubPlatform(name: string): GrubPlatform {
  return { name, modules: name === "i386-pc" ? ["biosdisk", ...DISK_MODULES] : DISK_MODULES };
}

/** What the core image does before it loads `normal.mod`: it looks for the file system with the modules and the menu. */
export function coreConfig(uuid: string): string {
  return `search.fs_uuid ${uuid} root\nset prefix=($root)/boot/grub\n`;
}

/** Makes the core image; `config` is a file that holds {@link coreConfig}. */
export function grubImageArgv(options: {
  readonly platform: GrubPlatform;
  readonly modules: string;
  readonly config: string;
  readonly output: string;
}): readonly string[] {
  const { platform, modules, config, output } = options;
  return cmd`
    grub-mkimage --format ${platform.name} --directory ${modules} --prefix /boot/grub
      --config ${config} --output ${output} ${platform.modules}
  `;
}
