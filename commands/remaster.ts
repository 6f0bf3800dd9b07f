import { resolve } from "node:path";
import { type Arguments, defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT, UsageError } from "../lib/tools/text/errors.ts";

const OPTIONS = {
  config: {
    type: "string",
    value: "FILE|URL",
    help: "configuration, copied to /k3os/system/config.yaml by an installation",
  },
  cmdline: {
    type: "string",
    multiple: true,
    value: "WORDS",
    help: "kernel parameters for every boot menu entry; repeatable",
  },
  default: {
    type: "string",
    value: "ENTRY",
    choices: async () => Object.keys((await import("../lib/install/remaster/remaster-menu.ts")).MENU_ENTRIES),
    help: "default boot menu entry: live, install or rescue",
  },
  images: {
    type: "string",
    multiple: true,
    value: "TAR",
    help: "archive of container images, which installed nodes import without a network; repeatable",
  },
  add: { type: "string", value: "DIR", help: "copy the contents of DIR to the root of the ISO" },
} as const;

/** `k3os remaster IN.iso OUT.iso` */
export const remaster = defineCommand({
  usage: "IN.iso OUT.iso",
  description: `
Customizes an installation ISO: adds a configuration, kernel parameters,
archives of container images or files. OUT.iso boots in the same ways as
IN.iso: BIOS, UEFI, from a CD, a USB stick or a disk. Requires xorriso, but not
root. IN.iso is not changed. OUT.iso appears only when it is complete, and its
SHA-256 is printed.

An ISO that installs without prompts:

  k3os remaster k3os-amd64.iso mine.iso --config node.yaml --default install \\
    --cmdline "k3os.install.silent k3os.install.device=/dev/sda"`,
  options: OPTIONS,
  maxPositionals: 2,
  run: async ({ values, positionals: [input, output] }: Arguments<typeof OPTIONS>, host) => {
    if (input === undefined || output === undefined) throw new UsageError("Missing argument: IN.iso OUT.iso");
    const { config, cmdline, add } = values;
    const images = values.images.map((path) => resolve(path));
    if ([config, add, values.default, cmdline[0], images[0]].every((value) => value === undefined)) {
      throw new UsageError("Nothing to change: expected --config, --cmdline, --default, --images or --add");
    }
    const { menuEntry } = await import("../lib/install/remaster/remaster-menu.ts");
    const { remaster } = await import("../lib/install/remaster/remaster-iso.ts");
    const startsBy = values.default === undefined ? undefined : menuEntry(values.default);
    const paths = { input: resolve(input), output: resolve(output), add: add && resolve(add) };
    await remaster({ ...paths, images, config, cmdline: cmdline.join(" "), startsBy }, host);
    return EXIT.done;
  },
});
