import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bootWords, MODES } from "../../../lib/boot/mode.ts";
import { BOOT_WORDS } from "../../../lib/config/schema/schema.ts";
import { PROJECT, readSources } from "../../support/sources.ts";

const page = readFileSync(join(PROJECT, "docs/kernel-parameters.md"), "utf8");
const product = readSources(["lib", "commands"]);

/** The words that are compared or searched for in a file of the product. */
function wordsIn(path: string, pattern: RegExp): string[] {
  const text = product.find((source) => source.path === path)?.text ?? "";
  return [...text.matchAll(pattern)].map(([, word = ""]) => word);
}

/** Every file that reads the kernel's command line, and the words that it looks for there. */
const READERS: Readonly<Record<string, readonly string[]>> = {
  "commands/init.ts": [],
  "lib/boot/initrd/first-stage.ts": [
    ...wordsIn("lib/boot/mode.ts", /key === "([^"]+)"/g),
    ...wordsIn("lib/boot/module-loader.ts", /name === "([^"]+)"/g),
  ],
  "lib/boot/initrd/boot-medium.ts": wordsIn("lib/boot/network/words.ts", /^ {4}(\w+): \(value\) =>/gm),
  "lib/boot/rescue.ts": [],
  "lib/config/read/sources.ts": BOOT_WORDS.map((word) => `k3os.${word}`),
  "lib/datasource/read-platform.ts": [
    ...wordsIn("lib/datasource/network/scaleway.ts", /words\.includes\("([^"]+)"\)/g),
    ...wordsIn("lib/datasource/network/vultr.ts", /words\.includes\("([^"]+)"\)/g),
    ...wordsIn("lib/datasource/local/nocloud-line.ts", /\/\^(ds=nocloud)/g),
  ],
  "lib/inspect/checks/check-disk.ts": ["k3os.state"],
  "lib/inspect/support-bundle.ts": [],
  "lib/install/driver-words.ts": ["k3os.modules", "modprobe.blacklist="],
  "lib/install/install-facts.ts": wordsIn("lib/install/console.ts", /startsWith\("(console=)"\)/g),
  "lib/overlay/overlay-facts.ts": [
    ...wordsIn("lib/overlay/overlay-facts.ts", /startsWith\("(init=)"\)/g),
    ...wordsIn("lib/overlay/find-problems.ts", /"(cgroup_\w+=\w+)"/g),
  ],
};

/** Two leave it to lib/boot/mode.ts, one copies it. */
const READ_FOR_NO_WORD = ["commands/init.ts", "lib/boot/rescue.ts", "lib/inspect/support-bundle.ts"];

describe("docs/kernel-parameters.md", () => {
  test("knows of every file that reads the command line", () => {
    const readers = product.filter(
      ({ path, text }) => path !== "lib/tools/host/paths.ts" && text.includes("PATH.cmdline"),
    );
    expect(readers.map(({ path }) => path).sort()).toEqual(Object.keys(READERS).sort());
  });

  test.each(Object.entries(READERS))("has every word that %s reads", (path, words) => {
    if (!READ_FOR_NO_WORD.includes(path)) expect(words).not.toEqual([]);
    expect(words.filter((word) => !page.includes(`\`${word}`))).toEqual([]);
  });

  test("has every word that changes what the boot does", () => {
    const own = wordsIn("lib/boot/mode.ts", /key === "([^"]+)"/g);
    expect(own.length).toBe(Object.keys(bootWords("")).length + 1);
    expect(MODES.filter((mode) => !page.includes(`\`${mode}\``))).toEqual([]);
  });

  test("has the words that the boot menus add", () => {
    const menu = product.find(({ path }) => path === "lib/tools/disk/grub.ts")?.text ?? "";
    const added = [...menu.matchAll(/"(printk\.devkmsg=on)"|`(panic=)/g)].map(([, a, b]) => a ?? b ?? "");
    expect(added.length).toBe(2);
    expect(added.filter((word) => !page.includes(`\`${word}`))).toEqual([]);
  });
});
