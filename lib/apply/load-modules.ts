import { cmd } from "../tools/host/cmd.ts";
import { kernelName, parseModule } from "../tools/node/kernel-module.ts";
import { type Applier, forEachItem, listItems, plainText } from "./applier.ts";
import { readIfExists } from "./system-files.ts";

/** Loads kernel modules, each with its parameters; loaded modules are not changed. */
export const modules: Applier = {
  name: "modules",
  apply: async (config, host) => {
    const loaded = loadedModules(readIfExists("/proc/modules", host) ?? "");
    await forEachItem(listItems("k3os.modules", config.k3os?.modules), async (entry) => {
      const argv = modprobeArgv(entry);
      const name = argv[2];
      if (name === undefined || loaded.has(kernelName(name))) return;
      if (host.dryRun) host.log.info(`Would load the kernel module "${name}"`);
      else await host.run(argv);
    });
  },
};

/** The program's arguments for `NAME [PARAMETER=VALUE …]`. Throws CommandError if it does not begin with a name. */
export function modprobeArgv(entry: string): readonly string[] {
  const { name, parameters } = parseModule(plainText(entry));
  return cmd`modprobe -- ${name} ${parameters}`;
}

/** Names in /proc/modules (proc_modules(5)). */
function loadedModules(text: string): ReadonlySet<string> {
  return new Set(text.split("\n").map((line) => line.split(" ")[0] ?? ""));
}
