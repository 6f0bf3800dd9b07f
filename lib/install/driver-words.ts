import { readCmdline } from "../config/cmdline.ts";
import { mergeLayers } from "../config/merge.ts";
import { PATH } from "../paths.ts";

/**
 * The words of the running kernel's command line that its successor on the disk needs before it can see that disk: what
 * `k3os.modules` names, quoted for GRUB. From the installed configuration it would come too late.
 */
export function driverWords(cmdline: string): string[] {
  const { config } = mergeLayers([readCmdline(cmdline, PATH.cmdline)]);
  const modules = (config.k3os?.modules ?? []).filter((entry) => SAFE.test(entry));
  return modules.map((entry) => (entry.includes(" ") ? `'k3os.modules=${entry}'` : `k3os.modules=${entry}`));
}

/** Neither GRUB nor the kernel finds more in it than a name and parameters. */
const SAFE = /^[\w-]+( [\w.,:=@/+-]+)*$/;
