import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { grubConfig } from "../../../lib/tools/disk/grub.ts";
import { renewMenu } from "../../../lib/upgrade/boot-menu.ts";
import { type TestHost, testHost } from "../../support/host.ts";

/** As the original's installer wrote it (its install.sh, by facts: titles, paths, parameters). */
const ORIGINAL = `set default=0
set timeout=10
menuentry "k3OS Current" {
  search.fs_label K3OS_STATE root
  set sqfile=/k3os/system/kernel/current/kernel.squashfs
  loopback loop0 /$sqfile
  set root=($root)
  linux (loop0)/vmlinuz printk.devkmsg=on console=tty1 console=ttyS0,115200 k3os.debug
  initrd /k3os/system/kernel/current/initrd
}
`;

function machine(menu: string): TestHost {
  return testHost({ files: { "/boot/grub/grub.cfg": menu }, answer: () => ({ stdout: "1b2c\n" }) });
}
const read = (host: TestHost, name: string) => readFileSync(join(host.root, "boot/grub", name), "utf8");

test("renewMenu() gives an original's machine a menu that counts starts, with its own consoles", async () => {
  using host = machine(ORIGINAL);
  await renewMenu(host);
  const menu = read(host, "grub.cfg");
  expect(menu).toContain("load_env k3os_trial");
  expect(menu).toContain("--fs-uuid 1b2c");
  expect(menu).toMatch(/^ {2}linux .* k3os\.state=\$state /m);
  expect(menu).toMatch(/^ {2}linux .* console=tty1 console=ttyS0,115200 k3os\.debug \$trial$/m);
  expect(read(host, "grub.cfg.old")).toBe(ORIGINAL);
  expect(read(host, "grubenv")).toHaveLength(1024);
  await renewMenu(host); // the second time there is nothing to do
  expect(read(host, "grub.cfg.old")).toBe(ORIGINAL);
});

/** As we made it before it named its disk. */
const EARLIER = grubConfig({ uuid: "1b2c", consoles: ["tty1"], debug: false }).replaceAll(
  " k3os.state=$state",
  "",
);

test.each(["/boot/grub", "/boot/grub2"])(
  "renewMenu() makes an earlier menu of ours in %s name its disk",
  async (directory) => {
    using host = testHost({ files: { [`${directory}/grub.cfg`]: EARLIER } });
    await renewMenu(host);
    const menu = readFileSync(join(host.root, directory, "grub.cfg"), "utf8");
    expect(menu.match(/^ {2}linux .* k3os\.state=1b2c /gm)?.length).toBe(4);
    expect(readFileSync(join(host.root, directory, "grub.cfg.old"), "utf8")).toBe(EARLIER);
    expect(host.programs).toEqual([]); // the menu knows the UUID
  },
);

test("renewMenu() does not write a menu without a UUID", () => {
  using host = testHost({ files: { "/boot/grub/grub.cfg": ORIGINAL } });
  expect(renewMenu(host)).rejects.toThrow("has no UUID");
  expect(read(host, "grub.cfg")).toBe(ORIGINAL);
});

test("renewMenu() keeps what else the user of an original's machine has given to the kernel", async () => {
  using host = machine(ORIGINAL.replace(" k3os.debug", ' nomodeset "k3os.modules=a b=1"'));
  await renewMenu(host);
  const lines = read(host, "grub.cfg").match(/^ {2}linux .*$/gm) ?? [];
  const kept = ' nomodeset "k3os.modules=a b=1" console=tty1';
  expect(lines.map((line) => line.includes(kept))).toEqual([true, true, true, true]);
});

test("renewMenu() leaves a user's own menu alone", async () => {
  using host = machine('menuentry "Mine" {\n  linux /vmlinuz console=tty0\n}\n');
  await renewMenu(host);
  expect(existsSync(join(host.root, "boot/grub/grub.cfg.old"))).toBe(false);
});
