import { expect, test } from "bun:test";
import { COMMANDS } from "../../../../bin/commands.ts";
import { commandFiles } from "../../../../lib/make/image/command-files.ts";
import { LINKS } from "../../../../lib/make/image/image-links.ts";

const rows = Object.values(COMMANDS);
const names = rows.flatMap(({ links = [], hidden }) => (hidden ? [] : links));

test("commandFiles() are found by every name that is typed", async () => {
  const { files, links } = await commandFiles(COMMANDS, { version: "v1.2.3", sourceDateEpoch: 0 });
  for (const name of ["k3os", ...names]) {
    const paths = [
      `share/bash-completion/completions/${name}`,
      `share/fish/vendor_completions.d/${name}.fish`,
      `share/man/man1/${name}.1`,
    ];
    for (const path of paths) {
      const target = links[path];
      const led = target === undefined ? path : path.replace(/[^/]*$/, target);
      expect([path, files[led]]).toEqual([path, expect.any(String)]);
    }
  }
  expect(files["share/zsh/vendor-completions/_k3os"]).toStartWith(`#compdef k3os ${names.join(" ")}\n`);
  expect(files["share/man/man1/k3os.1"]).toContain('"1970-01-01" "k3OS v1.2.3"');
});

test("LINKS hold every name by which the table says that a command is called", () => {
  const executable = LINKS["sbin/k3os"];
  const all = rows.flatMap(({ links = [] }) => links);
  const missing = all.filter((name) => LINKS[`sbin/${name}`] !== executable);
  expect(missing).toEqual([]);
});
