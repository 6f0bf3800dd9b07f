import { resolve } from "node:path";
import { type Arguments, defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT, UsageError } from "../lib/tools/text/errors.ts";

const OPTIONS = {
  config: {
    type: "string",
    value: "FILE|URL",
    help: "what becomes the medium's /k3os/system/config.yaml, which an installation copies",
  },
  cmdline: {
    type: "string",
    multiple: true,
    value: "WORDS",
    help: "kernel parameters for every entry of the boot menu; may be repeated",
  },
  default: {
    type: "string",
    value: "ENTRY",
    choices: async () => Object.keys((await import("../lib/install/remaster/remaster-menu.ts")).MENU_ENTRIES),
    help: "the entry that starts by itself: live, install or rescue",
  },
  add: { type: "string", value: "DIR", help: "put everything in DIR into the medium's root" },
} as const;

/** `k3os remaster IN.iso OUT.iso` */
export const remaster = defineCommand({
  usage: "IN.iso OUT.iso",
  description: `
Makes an installation medium of another, with a configuration, kernel parameters
or files of your own. It boots by whatever IN.iso boots by: BIOS, UEFI, from a
CD, a USB stick or a disk. Needs xorriso, and not root. IN.iso stays as it is;
OUT.iso is there when it is complete, and its SHA-256 is printed.

A medium that installs itself without a question:

  k3os remaster k3os-amd64.iso mine.iso --config node.yaml --default install \\
    --cmdline "k3os.install.silent k3os.install.device=/dev/sda"`,
  options: OPTIONS,
  maxPositionals: 2,
  run: async ({ values, positionals: [input, output] }: Arguments<typeof OPTIONS>, host) => {
    if (input === undefined || output === undefined) throw new UsageError("Missing argument: IN.iso OUT.iso");
    const { config, cmdline, add } = values;
    if ([config, add, values.default, cmdline[0]].every((given) => given === undefined)) {
      throw new UsageError("Nothing to change: expected --config, --cmdline, --default or --add");
    }
    const { menuEntry } = await import("../lib/install/remaster/remaster-menu.ts");
    const { remaster } = await import("../lib/install/remaster/remaster-iso.ts");
    const startsBy = values.default === undefined ? undefined : menuEntry(values.default);
    const paths = { input: resolve(input), output: resolve(output), add: add && resolve(add) };
    await remaster({ ...paths, config, cmdline: cmdline.join(" "), startsBy }, host);
    return EXIT.done;
  },
});
