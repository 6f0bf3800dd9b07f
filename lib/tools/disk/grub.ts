import { cmd } from "../host/cmd.ts";
import { FILE, LABEL } from "../host/paths.ts";
import { TRIAL_VARIABLE } from "./grubenv.ts";
import { TAKEOVER, TRIED } from "./takeover-record.ts";

/** The settings of an installed disk's boot menu. */
export interface GrubMenu {
  /** UUID of the state file system. */
  readonly uuid: string;
  /** `console=` values in order; the last becomes /dev/console. */
  readonly consoles: readonly string[];
  /** Adds `k3os.debug`. */
  readonly debug: boolean;
  /** Further kernel parameters of every entry, as GRUB reads them: those with spaces are quoted. */
  readonly words?: readonly string[];
}

const KERNELS = "/k3os/system/kernel";

/** The kernel parameter with the UUID of the file system that GRUB loaded the kernel from. */
export const STATE_WORD = "k3os.state";

/** Seconds of the boot menu: enough for a key that is held, or pressed when the menu appears. */
const TIMEOUT = 3;

/** Seconds of the boot menu after a start of a trial that was not enough: a person may be there to choose. */
const LONG_TIMEOUT = 10;

/** Seconds until a kernel that panicked reboots, and so counts as a failed boot. */
const PANIC_TIMEOUT = 10;

/**
 * The boot menu. An entry boots a kernel from inside its squashfs, through the link `current` or `previous`. Entries of
 * `previous` only appear if it exists.
 * Source of the syntax: https://www.gnu.org/software/grub/manual/grub/html_node/Shell_002dlike-scripting.html
 */
export function grubConfig({ uuid, consoles, debug, words = [] }: GrubMenu): string {
  const state = `${STATE_WORD}=$state`;
  const normal = kernelParameters({ consoles, debug }, [state, ...words]);
  const rescue = kernelParameters({ consoles, debug: false }, [state, "rescue", ...words]);
  return `# Written by the k3OS installer
set default=0
set timeout=${TIMEOUT}
set gfxmode=auto
set gfxpayload=keep
insmod all_video
insmod gfxterm
${serialTerminal(consoles)}
load_env ${TRIAL_VARIABLE}
if [ "\${${TRIAL_VARIABLE}}" = 1 -o "\${${TRIAL_VARIABLE}}" = 0 ]; then set timeout=${LONG_TIMEOUT}; fi
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
 * Adds the parameter that names the file system to every line that boots one of our kernels, in a menu that an earlier
 * version made. Changes of a user in these lines are kept. Undefined for a menu that has the parameter already, or that
 * k3OS did not make.
 */
export function withStateWord(menu: string): string | undefined {
  const uuid = /^(?:if ! )?search --no-floppy --set=root --fs-uuid ([\w-]+)/m.exec(menu)?.[1];
  if (uuid === undefined || !menu.includes(TRIAL_VARIABLE) || menu.includes(`${STATE_WORD}=`))
    return undefined;
  return menu.replaceAll(/^\s*linux \(loop0\)\/vmlinuz(?=\s)/gm, `$& ${STATE_WORD}=${uuid}`);
}

/** The kernel parameter that passes the menu's decision to the initrd. */
const BOOT_WORD = "k3os.boot";

/**
 * The default entry counts down the boots of a generation on trial before it boots it; when none is left, it boots the
 * kernel of the previous generation. GRUB cannot calculate, so the numbers are spelled out. A boot that it cannot
 * record is not counted, and not passed on as counted: a machine that fails would reboot forever.
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

/** The first line of {@link takeoverConfig}, which identifies it. */
export const TAKEOVER_MARK =
  '# Written by the k3OS installer; "k3os takeover --undo" brings the old menu back';

/** The modules that the menus use and GRUB's own image lacks: names of files in GRUB's directory. */
export const MENU_MODULES = ["loopback", "squash4", "linux", "search_fs_uuid", "loadenv", "test"] as const;

/**
 * The boot menu between a takeover's installation and its first boot. It boots the new system once: it first records
 * the attempt in GRUB's environment block, and afterwards boots the old system by its own menu, unless the new one was
 * verified and has begun to delete the old one. It also falls back to the old system if the kernel is unreadable, or if
 * the attempt cannot be recorded: the new system would boot in a loop.
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
 * Also shows the menu on the first serial console; `serial` fails if the machine has no such port. UEFI firmware has
 * its own serial console, on which everything would appear twice.
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

/** A platform that GRUB boots on: the directory below /usr/lib/grub, and the modules of its core image. */
export interface GrubPlatform {
  readonly name: string;
  /** The modules that find and read the state file system; all others are loaded from there. */
  readonly modules: readonly string[];
}

const DISK_MODULES = ["part_msdos", "part_gpt", "ext2", "search_fs_uuid"];

/** The platform of this name (a row of lib/tools/host/targets.ts): `i386-pc`, `x86_64-efi`, `arm64-efi`. */
export function grubPlatform(name: string): GrubPlatform {
  return { name, modules: name === "i386-pc" ? ["biosdisk", ...DISK_MODULES] : DISK_MODULES };
}

/**
 * The commands of the core image before it loads `normal.mod`: it searches the file system with the modules and the
 * menu.
 */
export function coreConfig(uuid: string): string {
  return `search.fs_uuid ${uuid} root\nset prefix=($root)/boot/grub\n`;
}

/** Makes the core image; `config` is a file with {@link coreConfig}. */
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
