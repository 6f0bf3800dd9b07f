import { readCmdline, splitCmdline } from "../config/read/cmdline.ts";
import { mergeLayers } from "../config/read/merge.ts";
import { PATH } from "../tools/host/paths.ts";

/** Words that keep the kernel from drivers with which the machine would not start. */
const KEPT_AWAY = ["modprobe.blacklist", "module_blacklist"];

/**
 * The words of the running kernel's command line that its successor on the disk needs before it can see that disk, quoted
 * for GRUB: what `k3os.modules` names, and what is kept away. From the installed configuration they would come too late.
 */
export function driverWords(cmdline: string): string[] {
  const { config } = mergeLayers([readCmdline(cmdline, PATH.cmdline)]);
  const modules = (config.k3os?.modules ?? []).filter((entry) => SAFE_MODULE.test(entry));
  const away = splitCmdline(cmdline).filter(({ name, value = "" }) => {
    return KEPT_AWAY.includes(name) && SAFE_LIST.test(value);
  });
  return [
    ...modules.map((entry) => (entry.includes(" ") ? `'k3os.modules=${entry}'` : `k3os.modules=${entry}`)),
    ...away.map(({ name, value }) => `${name}=${value}`),
  ];
}

/** In these neither GRUB nor the kernel finds more than names and parameters. */
const SAFE_MODULE = /^[\w-]+( [\w.,:=@/+-]+)*$/;
const SAFE_LIST = /^[\w,-]+$/;
