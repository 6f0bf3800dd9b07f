import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Machine, VM_DIRECTORY } from "../../lib/make/vm/qemu.ts";
import { generateKey, type SshTarget, ssh, sshOutput, waitForSsh } from "../../lib/make/vm/ssh.ts";
import { GIB } from "../../lib/tools/fs/size.ts";
import { output } from "../support/disk.ts";
import { ARTIFACTS } from "../support/image.ts";
import { describeLong } from "../support/left-out.ts";
import { bootKernel } from "../support/state-disk.ts";
import { makeUsedDisk } from "../support/used-disk.ts";

const MINUTE = 60_000;
const SIZE = 4 * GIB;

/** Small, so that one live system can install many times; only what the installer looks for is there. */
const MEDIUM = `set -e
system=/run/medium/k3os/system
mkdir -p $system/k3os/v1 $system/kernel/6
ln -s v1 $system/k3os/current
ln -s 6 $system/kernel/current
head -c 64 /k3os/system/k3os/current/k3os >$system/k3os/v1/k3os
for name in k3os/v1/k3os.squashfs kernel/6/kernel.squashfs kernel/6/initrd; do echo x >$system/$name; done
`;

/** The disks by the names that they have as variables of a script; the kernel finds them in any order. */
type Disk = "gpt" | "dos" | "third" | "fourth" | "nvme";
const VIRTIO = ["gpt", "dos", "third", "fourth"] as const;

/** A disk with a partition table that sfdisk makes of a script of its own. */
const partitioned = (disk: Disk, script: string) =>
  `wipefs --quiet --all $${disk}; echo '${script}' | sfdisk --quiet $${disk}; udevadm settle`;

/** What the disk was used for, as root of the live system does it; in this order, each over what the one before left. */
const USES: readonly (readonly [use: string, disk: Disk, script: string])[] = [
  ["a gpt with a file system in each partition", "gpt", "true"],
  ["an msdos table with an extended partition", "dos", "true"],
  ["k3OS itself", "gpt", "true"],
  [
    "forty partitions",
    "nvme",
    partitioned("nvme", `label: gpt\n${"size=16MiB\n".repeat(40)}`) +
      '; for n in $(seq 1 5); do mkswap "$nvme"p$n; done',
  ],
  [
    "a volume group in a partition, its volume active",
    "third",
    `${partitioned("third", "label: gpt\nsize=1GiB\nsize=1GiB")}
    mkfs.ext4 -q "$third"1; pvcreate -q "$third"2; vgcreate -q old "$third"2; lvcreate -q -y -n root -l 50%FREE old
    mkfs.ext4 -q /dev/old/root; test -b /dev/mapper/old-root`,
  ],
  [
    "a volume group on the whole disk, inactive",
    "third",
    `wipefs --quiet --all $third; udevadm settle
    pvcreate -q -y $third; vgcreate -q whole $third; lvcreate -q -y -n root -l 50%FREE whole; vgchange -q -an whole`,
  ],
  [
    "half of a mirror with a volume group, both active",
    "third",
    `${partitioned("third", "label: gpt\nsize=1GiB")}; ${partitioned("fourth", "label: dos\nsize=1GiB")}
    mdadm --quiet --create /dev/md/old --run --metadata=1.2 --level=1 --raid-devices=2 "$third"1 "$fourth"1
    udevadm settle; pvcreate -q -y /dev/md/old; vgcreate -q mirrored /dev/md/old; lvcreate -q -y -n root -l 50%FREE mirrored`,
  ],
  ["the other half, which belongs to no array any more", "fourth", "true"],
  [
    "an array on the whole disk with its superblock at the end, incomplete",
    "fourth",
    `wipefs --quiet --all $fourth; udevadm settle
    mdadm --quiet --create /dev/md/end --run --metadata=1.0 --level=1 --raid-devices=2 $fourth missing
    mdadm --quiet --stop /dev/md/end; mdadm --quiet --incremental $fourth || true`,
  ],
  [
    "a gpt whose first copy is damaged, of a smaller disk",
    "dos",
    `${partitioned("dos", "label: gpt\nsize=512MiB")}; mkfs.ext4 -q "$dos"1
    dd if=/dev/zero of=$dos bs=512 seek=1 count=1 conv=notrunc status=none; udevadm settle`,
  ],
];

describeLong("a used disk, with udev about", () => {
  let scratch: string;
  let machine: Machine;
  let node: SshTarget;
  /** What the kernel calls them; the one that is alone of its kind always the same. */
  const nodes: Record<Disk, string> = {
    ...{ gpt: "", dos: "", third: "", fourth: "", nvme: "/dev/nvme0n1" },
  };

  const root = (script: string) => {
    const variables = Object.entries(nodes).map(([name, path]) => `${name}=${path}; `);
    const timeout = 6 * MINUTE;
    return ssh(node, `sudo sh -c '${(variables.join("") + script).replaceAll("'", "'\\''")}'`, { timeout });
  };
  const install = (...args: readonly string[]) =>
    root(`ISO_DEVICE=/run/medium k3os install --yes ${args.join(" ")}`);
  const partition = (disk: string, number: number) => `${disk}${/\d$/.test(disk) ? "p" : ""}${number}`;
  const signatures = async (path: string) =>
    (await sshOutput(node, `sudo wipefs --noheadings --output TYPE ${path}`)).split("\n");

  beforeAll(async () => {
    mkdirSync(VM_DIRECTORY, { recursive: true });
    scratch = mkdtempSync(join(tmpdir(), "k3os-used-disk-"));
    const key = await generateKey(scratch);
    const file = (name: string) => join(scratch, `${name}.img`);
    makeUsedDisk(file("gpt"), { table: "gpt", size: SIZE });
    makeUsedDisk(file("dos"), { table: "dos", size: SIZE });
    for (const name of ["third", "fourth", "nvme"]) {
      output(["truncate", `--size=${SIZE}`, file(name)]);
    }
    const disk = (name: Disk, device: string) => [
      ...["-drive", `if=none,id=${name},format=raw,cache=unsafe,file=${file(name)}`],
      ...["-device", `${device},drive=${name}`],
    ];
    machine = await bootKernel({
      ...{ name: "used-disk", memory: 2048, ssh: true, cdrom: join(ARTIFACTS, "k3os-amd64.iso") },
      extra: [
        ...VIRTIO.flatMap((name) => disk(name, `virtio-blk-pci,serial=${name}`)),
        ...disk("nvme", "nvme,serial=nvme"),
      ],
      words: ["k3os.mode=live", `ssh_authorized_keys="${key.publicKey}"`],
    });
    node = { port: machine.sshPort, key };
    await waitForSsh(node, { timeout: 8 * MINUTE, gone: machine.exited });
    expect((await root(MEDIUM)).code).toBe(0);
    for (const name of VIRTIO) {
      nodes[name] = await sshOutput(node, `readlink -f /dev/disk/by-id/virtio-${name}`);
    }
  }, 12 * MINUTE);

  afterAll(async () => {
    await machine?.kill();
    rmSync(scratch, { recursive: true });
  });

  test.each(USES)(
    "that held %s is installed over at the first try",
    async (_use, name, script) => {
      const disk = nodes[name];
      expect(await root(`set -e; ${script}`)).toMatchObject({ code: 0 });
      const state = partition(disk, 1);
      expect(await install("--force", disk)).toMatchObject({ code: 0 });
      expect(await signatures(disk)).toEqual(["dos"]);
      expect(await signatures(state)).toEqual(["ext4"]);
      // udev has seen it all by then
      const link = `readlink -f /dev/disk/by-uuid/$(sudo blkid -p -o value -s UUID ${state})`;
      expect(await sshOutput(node, link)).toBe(state);
      expect(await sshOutput(node, `lsblk --noheadings --raw --output TYPE ${disk}`)).toBe("disk\npart");
    },
    5 * MINUTE,
  );
});
