/** An entry of the medium's boot menu; the titles and arguments are the original's. */
const ENTRIES = [
  { title: "k3OS LiveCD & Installer", mode: "k3os.mode=live" },
  { title: "k3OS Installer", mode: "k3os.mode=install" },
  { title: "k3OS Rescue Shell", mode: "rescue" },
] as const;

const KERNEL = "/k3os/system/kernel/current";

/** `grub.cfg` of the ISO: with graphics and a serial port if available, ten seconds to choose. */
export function mediumMenu(): string {
  return `set default=0
set timeout=10

if serial --unit=0 --speed=115200; then
  terminal_input --append serial
  terminal_output --append serial
fi

set gfxmode=auto
set gfxpayload=keep
insmod all_video
insmod gfxterm
if loadfont $prefix/fonts/unicode.pf2; then
  terminal_output --append gfxterm
  terminal_output --remove console
fi
${ENTRIES.map(menuEntry).join("")}`;
}

function menuEntry({ title, mode }: (typeof ENTRIES)[number]): string {
  return `
menuentry "${title}" {
  loopback loop ${KERNEL}/kernel.squashfs
  linux (loop)/vmlinuz printk.devkmsg=on ${mode} console=ttyS0 console=tty1
  initrd ${KERNEL}/initrd
}
`;
}

/** The first action of the boot loader: it finds the medium by a unique file. */
export function mediumSearch(file: string): string {
  return `search --file --set=root ${file}\nset prefix=($root)/boot/grub\n`;
}
