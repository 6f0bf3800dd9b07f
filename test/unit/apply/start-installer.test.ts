import { expect, test } from "bun:test";
import { install } from "../../../lib/apply/start-installer.ts";
import { testHost } from "../../support/host.ts";

test.each([
  ["ttyS0 tty1\n", "tty1"],
  ["ttyS0\n", "ttyS0"],
  ["\n", "console"],
])("install starts the installer on the last of the consoles %p", async (consoles, tty) => {
  using host = testHost({
    files: { "/run/k3os/mode": "install\n", "/sys/class/tty/console/active": consoles },
  });
  await install.apply({}, host);
  expect(host.programs.map(({ argv }) => argv.join(" "))).toEqual([
    `systemctl --no-block start k3os-install@${tty}.service`,
  ]);
});

test.each(["live\n", "local\n", ""])("install does nothing in the mode %p", async (mode) => {
  using host = testHost({ files: { "/run/k3os/mode": mode } });
  await install.apply({}, host);
  expect(host.programs).toEqual([]);
});
