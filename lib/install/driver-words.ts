import { readCmdline, splitCmdline } from "../config/read/cmdline.ts";
import { mergeLayers } from "../config/read/merge.ts";
import { PATH } from "../tools/host/paths.ts";

/** Kernel parameters that disable drivers which prevent the machine from booting. */
const KEPT_AWAY = ["modprobe.blacklist", "module_blacklist"];

/**
 * The parameters of the running kernel's command line that the installed kernel needs to find its disk, quoted for
 * GRUB: `k3os.modules`, and the disabled drivers. In the installed configuration they would be too late.
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

/** Names and parameters without special characters of GRUB or the kernel. */
const SAFE_MODULE = /^[\w-]+( [\w.,:=@/+-]+)*$/;
const SAFE_LIST = /^[\w,-]+$/;
