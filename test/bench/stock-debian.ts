import { chmodSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { BuildContext } from "../../lib/make/build/context.ts";
import { VM_DIRECTORY } from "../../lib/make/vm/qemu.ts";
import { scratchDirectory } from "../../lib/tools/fs/scratch-directory.ts";
import { GIB } from "../../lib/tools/fs/size.ts";
import { cmd } from "../../lib/tools/host/cmd.ts";
import { type DebianRoot, debianRoot } from "../support/debian-root.ts";

/** What Debian's installer puts onto a server (the base system, a kernel, ssh), and the programs that k3s calls. */
const STOCK: DebianRoot = {
  name: "bench-debian-root",
  suite: "trixie",
  variant: "important",
  packages: [
    ...["linux-image-amd64", "initramfs-tools", "systemd-sysv", "dbus", "libpam-systemd", "openssh-server"],
    ...["systemd-timesyncd", "ca-certificates", "iptables", "ipset"],
  ],
};

const UUID = "6b33724f-7330-4265-8e63-680000000001";
const SIZE = 12 * GIB;

/** A disk with a stock Debian, whose kernel the machine starts without a boot loader. */
export interface StockDebian {
  readonly disk: string;
  readonly kernel: { readonly image: string; readonly initrd: string; readonly append: string };
}

export interface StockServer {
  /** The k3s program. */
  readonly k3s: string;
  readonly args: readonly string[];
  /** A shell script that starts with k3s. */
  readonly watch: string;
}

/** Makes a Debian with k3s as the unit that k3s's own script writes. It has not booted yet. Needs root. */
export async function makeStockDebian(
  { k3s, args, watch }: StockServer,
  context: BuildContext,
): Promise<StockDebian> {
  const { host } = context;
  const debian = await debianRoot(STOCK, context);
  using scratch = scratchDirectory(tmpdir(), "k3os-stock-");
  const root = join(scratch.path, "root");
  await host.run(cmd`cp -a ${debian} ${root}`);
  const put = (path: string, text: string, mode = 0o644) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    chmodSync(join(root, path), mode);
  };
  put("etc/fstab", `UUID=${UUID} / ext4 defaults 0 1\n`);
  put("etc/hostname", "stock\n");
  put("etc/machine-id", "");
  // not ifupdown, whose DHCP holds up the login prompt: the peer is the fastest that Debian itself has
  put("etc/systemd/network/eth0.network", "[Match]\nName=eth0\n\n[Network]\nDHCP=yes\n");
  await host.run(cmd`systemctl --root=${root} --quiet enable systemd-networkd.service`);
  put("usr/local/bin/k3s", "");
  cpSync(k3s, join(root, "usr/local/bin/k3s"));
  chmodSync(join(root, "usr/local/bin/k3s"), 0o755);
  put("opt/watch", watch, 0o755);
  put("etc/systemd/system/k3s.service", k3sUnit(args));
  put("etc/systemd/system/watch.service", WATCH_UNIT);
  const wants = join(root, "etc/systemd/system/multi-user.target.wants");
  mkdirSync(wants, { recursive: true });
  for (const unit of ["k3s", "watch"]) symlinkSync(`../${unit}.service`, join(wants, `${unit}.service`));

  const disk = join(VM_DIRECTORY, "bench-debian.img");
  const off = "^metadata_csum_seed,^orphan_file"; // the mkfs of a newer Debian switches them on
  await host.run(cmd`truncate --size ${SIZE} ${disk}`);
  await host.run(cmd`mkfs.ext4 -q -F -U ${UUID} -O ${off} -d ${root} ${disk}`);
  const [image, initrd] = ["vmlinuz", "initrd.img"].map((name) => {
    const file = join(VM_DIRECTORY, `bench-debian.${name}`);
    cpSync(join(root, name), file, { dereference: true });
    return file;
  });
  const append = `root=UUID=${UUID} ro net.ifnames=0 console=tty1 console=ttyS0,115200`;
  return { disk, kernel: { image: image ?? "", initrd: initrd ?? "", append } };
}

/** https://github.com/k3s-io/k3s/blob/v1.36.3%2Bk3s1/install.sh */
function k3sUnit(args: readonly string[]): string {
  return `[Unit]
Description=Lightweight Kubernetes
Wants=network-online.target
After=network-online.target

[Install]
WantedBy=multi-user.target

[Service]
Type=notify
KillMode=process
Delegate=yes
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
TimeoutStartSec=0
Restart=always
RestartSec=5s
ExecStartPre=-/sbin/modprobe br_netfilter
ExecStartPre=-/sbin/modprobe overlay
ExecStart=/usr/local/bin/k3s ${args.join(" ")}
`;
}

const WATCH_UNIT = `[Unit]
Description=Tell the console when the node is Ready
After=local-fs.target

[Service]
Type=exec
ExecStart=/opt/watch
`;
