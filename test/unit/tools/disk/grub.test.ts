import { describe, expect, test } from "bun:test";
import {
  coreConfig,
  grubConfig,
  grubImageArgv,
  grubPlatform,
  TAKEOVER_MARK,
  takeoverConfig,
  withStateWord,
} from "../../../../lib/tools/disk/grub.ts";
import { runProgram } from "../../../../lib/tools/host/host.ts";

const menu = { uuid: "1b2c", consoles: ["tty1", "ttyS0,115200"], debug: false };

describe("grubConfig()", () => {
  test("has the four entries of the original, in its order", () => {
    const titles = [...grubConfig(menu).matchAll(/^menuentry "(.*)"/gm)].map(([, title]) => title);
    expect(titles).toEqual([
      "k3OS Current",
      "k3OS Previous",
      "k3OS Rescue (current)",
      "k3OS Rescue (previous)",
    ]);
  });

  test("waits three seconds for a key, and ten after a start of a trial that was not enough", () => {
    expect(grubConfig(menu)).toMatch(
      /^set timeout=3\n[\s\S]*^load_env k3os_trial\nif \[ "\$\{k3os_trial\}" = 1 -o "\$\{k3os_trial\}" = 0 \]; then set timeout=10; fi\n/m,
    );
  });

  test("shows the entries of the previous kernel only where there is one", () => {
    const text = grubConfig(menu);
    const guarded = text.matchAll(/^if \[ -e (\S+) \]; then\n(?:set fallback=1\n)?menuentry "(.*)"/gm);
    expect([...guarded].map(([, path, title]) => [path, title])).toEqual([
      ["/k3os/system/kernel/previous/kernel.squashfs", "k3OS Previous"],
      ["/k3os/system/kernel/previous/kernel.squashfs", "k3OS Rescue (previous)"],
    ]);
  });

  test("boots a kernel from inside its squashfs with the initrd beside that", () => {
    expect(grubConfig(menu)).toContain(
      [
        'menuentry "k3OS Rescue (previous)" {',
        "  loopback loop0 /k3os/system/kernel/previous/kernel.squashfs",
        "  linux (loop0)/vmlinuz printk.devkmsg=on panic=10 k3os.state=$state rescue console=tty1 console=ttyS0,115200",
        "  initrd /k3os/system/kernel/previous/initrd",
        "}",
      ].join("\n"),
    );
  });

  test("counts the starts of a generation on trial before it starts it, and falls back when none is left", () => {
    const text = grubConfig(menu);
    const current = /^menuentry "k3OS Current" \{[\s\S]*?^\}/m.exec(text)?.[0] ?? "";
    for (const [left, next] of [
      [2, 1],
      [1, 0],
    ]) {
      const lines = [
        `elif [ "$\{k3os_trial}" = ${left} ]; then`,
        `  set k3os_trial=${next}`,
        // a start that is not written down must not lead to another one
        "  if save_env k3os_trial; then set trial=k3os.boot=trial; fi",
      ];
      expect(current).toContain(lines.map((line) => `  ${line}\n`).join(""));
    }
    expect(current).toContain("    set link=previous\n    set trial=k3os.boot=fallback\n");
    expect(current.indexOf("save_env")).toBeLessThan(current.indexOf("linux"));
    expect(text).toContain('set fallback=1\nmenuentry "k3OS Previous"');
  });

  test("adds k3os.debug to the normal entries, and not to rescue", () => {
    const lines = grubConfig({ ...menu, debug: true }).match(/^ {2}linux .*$/gm) ?? [];
    expect(lines.map((line) => line.includes("k3os.debug"))).toEqual([true, true, false, false]);
  });

  test("looks for the file system by UUID first, and by label only if that fails, and tells the initrd which it is", () => {
    const text = grubConfig(menu);
    expect(text).toContain(
      [
        "set state=1b2c",
        "if ! search --no-floppy --set=root --fs-uuid 1b2c; then",
        "  search --no-floppy --set=root --label K3OS_STATE",
        "  probe --set=state --fs-uuid $root",
        "fi",
      ].join("\n"),
    );
    const lines = text.match(/^ {2}linux .*$/gm) ?? [];
    expect(lines.map((line) => line.includes(" k3os.state=$state "))).toEqual([true, true, true, true]);
  });

  test("uses the serial port of a serial console, at its speed, and none without one", () => {
    expect(grubConfig(menu)).toContain("serial --unit=0 --speed=115200");
    expect(grubConfig({ ...menu, consoles: ["ttyS1"] })).toContain("serial --unit=1 --speed=9600");
    expect(grubConfig({ ...menu, consoles: ["tty1", "ttyAMA0"] })).not.toContain("serial");
  });
});

describe("withStateWord()", () => {
  /** A menu as we made it before it named its disk. */
  const earlier = grubConfig(menu)
    .replaceAll(" k3os.state=$state", "")
    .replace("set state=1b2c\n", "")
    .replace(/ {2}probe .*\n/, "");

  test("makes every entry of an earlier menu name its disk, and keeps what a user has added", () => {
    const edited = earlier.replace("panic=10 rescue", "panic=10 rescue nomodeset");
    const text = withStateWord(edited) ?? "";
    expect(
      text.match(/^ {2}linux \(loop0\)\/vmlinuz k3os\.state=1b2c printk\.devkmsg=on panic=10 /gm)?.length,
    ).toBe(4);
    expect(text).toContain("panic=10 rescue nomodeset");
    expect(text.replaceAll(" k3os.state=1b2c", "")).toBe(edited);
    expect(withStateWord(text)).toBeUndefined();
  });

  test("leaves a menu alone that names its disk, that is a takeover's, or that is not ours", () => {
    for (const text of [grubConfig(menu), takeoverConfig(menu), 'menuentry "Mine" {\n}\n', ""]) {
      expect(withStateWord(text)).toBeUndefined();
    }
  });
});

describe("takeoverConfig()", () => {
  const text = takeoverConfig(menu);

  test("is known by its first line", () => {
    expect(text.split("\n")[0]).toBe(TAKEOVER_MARK);
  });

  test("is a script that GRUB understands", async () => {
    await runProgram(["grub-script-check"], { input: text });
    await runProgram(["grub-script-check"], { input: grubConfig(menu) });
  });

  test("starts the new system once, and notes so before", () => {
    const entry = /^menuentry "k3OS [\s\S]*?^\}/m.exec(text)?.[0] ?? "";
    expect(entry).toContain(
      "    if ! save_env k3os_takeover; then\n      unset fallback\n      configfile /k3os/takeover/grub.cfg.old\n    fi\n",
    );
    expect(entry.indexOf("save_env k3os_takeover")).toBeLessThan(entry.indexOf("linux (loop0)"));
    expect(entry).toContain(" panic=10 k3os.takeover=1b2c console=tty1 console=ttyS0,115200\n");
    expect(text).toContain(
      `if [ "$\{k3os_takeover}" = "tried" -a ! -e /k3os/takeover/verified ]; then\n  set default=1\nfi`,
    );
  });

  test("starts the old system by its own menu, also when the new kernel cannot be read", () => {
    expect(text).toContain("set fallback=1\n");
    expect(text).toContain("configfile /k3os/takeover/grub.cfg.old\n");
  });
});

test("coreConfig() looks for the file system by UUID and takes modules and menu from there", () => {
  expect(coreConfig("1b2c")).toBe("search.fs_uuid 1b2c root\nset prefix=($root)/boot/grub\n");
});

describe("grubImageArgv()", () => {
  const files = { modules: "/m", config: "/c", output: "/o" };

  test("puts the BIOS disk driver into the image for a BIOS only", () => {
    expect(grubImageArgv({ platform: grubPlatform("i386-pc"), ...files })).toContain("biosdisk");
    expect(grubImageArgv({ platform: grubPlatform("x86_64-efi"), ...files })).not.toContain("biosdisk");
  });

  test("names the platform and every file", () => {
    const argv = grubImageArgv({ platform: grubPlatform("arm64-efi"), ...files });
    expect(argv.slice(0, 11)).toEqual(
      "grub-mkimage --format arm64-efi --directory /m --prefix /boot/grub --config /c --output /o".split(" "),
    );
  });
});
