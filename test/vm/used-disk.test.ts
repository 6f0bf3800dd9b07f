import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Machine, startMachine, VM_DIRECTORY } from "../../lib/make/vm/qemu.ts";
import { generateKey, type SshTarget, ssh, sshOutput, waitForSsh } from "../../lib/make/vm/ssh.ts";
import { createHardware, installWords, within } from "../../lib/make/vm/virtual-node.ts";
import { GIB } from "../../lib/tools/fs/size.ts";
import { output } from "../support/disk.ts";
import { ARTIFACTS } from "../support/image.ts";
import { describeLong } from "../support/left-out.ts";
import { bootKernel } from "../support/state-disk.ts";
import { makeUsedDisk, zfsLabel } from "../support/used-disk.ts";

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
type Disk = "gpt" | "dos" | "third" | "fourth" | "large" | "nvme" | "card";
const VIRTIO = ["gpt", "dos", "third", "fourth"] as const;

/** The four labels of a member of a ZFS pool, 16 KiB in each the list of what it is: two at the start of a disk, two at its end. */
const ZFS = `size=$(blockdev --getsize64 $third)
for label in 0 262144 $((size - 524288)) $((size - 262144)); do
  echo ${zfsLabel().toString("base64")} | base64 -d |
    dd of=$third oflag=seek_bytes seek=$((label + 16384)) conv=notrunc status=none
done
udevadm settle; test "$(blkid -p -o value -s TYPE $third)" = zfs_member`;

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
    "LUKS in a partition, open",
    "card",
    `${partitioned("card", "label: gpt\nsize=512MiB\nsize=512MiB")}
    echo secret | cryptsetup luksFormat --batch-mode --pbkdf-force-iterations=1000 --pbkdf=pbkdf2 "$card"p1
    echo secret | cryptsetup open "$card"p1 old-secret; test -b /dev/mapper/old-secret`,
  ],
  [
    "LUKS on the whole disk, closed",
    "card",
    `wipefs --quiet --all $card; udevadm settle
    echo secret | cryptsetup luksFormat --batch-mode --pbkdf-force-iterations=1000 --pbkdf=pbkdf2 $card`,
  ],
  ["ZFS on the whole disk", "third", `wipefs --quiet --all $third; ${ZFS}`],
  ["swap space on the whole disk", "fourth", "wipefs --quiet --all $fourth; mkswap $fourth; udevadm settle"],
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
  /** What the kernel calls them; those that are alone of their kind always the same. */
  const nodes: Record<Disk, string> = {
    ...{ gpt: "", dos: "", third: "", fourth: "", large: "" },
    ...{ nvme: "/dev/nvme0n1", card: "/dev/mmcblk0" },
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
    for (const name of ["third", "fourth", "large", "nvme", "card"]) {
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
        ...disk("large", "virtio-blk-pci,serial=large,logical_block_size=4096,physical_block_size=4096"),
        ...disk("nvme", "nvme,serial=nvme"),
        ...["-device", "sdhci-pci", ...disk("card", "sd-card")],
      ],
      words: ["k3os.mode=live", `ssh_authorized_keys="${key.publicKey}"`],
    });
    node = { port: machine.sshPort, key };
    await waitForSsh(node, { timeout: 8 * MINUTE, gone: machine.exited });
    expect((await root(MEDIUM)).code).toBe(0);
    for (const name of [...VIRTIO, "large"] as const) {
      nodes[name] = await sshOutput(node, `readlink -f /dev/disk/by-id/virtio-${name}`);
    }
  }, 12 * MINUTE);

  afterAll(async () => {
    await machine?.kill();
    rmSync(scratch, { recursive: true, force: true });
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

  test(
    "is installed over while udev is told to look at all disks again and again",
    async () => {
      await root(
        "nohup sh -c 'while :; do udevadm trigger --settle --subsystem-match=block; done' >/dev/null 2>&1 & echo $! >/run/triggers",
      );
      try {
        for (const disk of [nodes.gpt, nodes.third]) {
          expect(await install("--force", "--force-efi", disk)).toMatchObject({ code: 0 });
          expect(await signatures(partition(disk, 2))).toEqual(["ext4"]);
        }
      } finally {
        expect(await root("kill $(cat /run/triggers); udevadm settle")).toMatchObject({ code: 0 });
      }
    },
    15 * MINUTE,
  );

  test(
    "with sectors of 4 KiB is refused to a BIOS as it was, and is installed over for UEFI",
    async () => {
      const disk = nodes.large;
      const { stdout: before } = await root(`${partitioned("large", "label: gpt\nsize=1GiB\nsize=1GiB")}
        mkfs.ext4 -q ${disk}1; sync; sha256sum ${disk}1; sfdisk --dump ${disk}`);
      const { code, stderr } = await install("--force", disk);
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/sectors of 4096 bytes.*\nHint: start this machine by UEFI/),
      ]);
      expect((await root(`sha256sum ${disk}1; sfdisk --dump ${disk}`)).stdout).toBe(before);
      expect(await install("--force", "--force-efi", disk)).toMatchObject({ code: 0 });
      expect(new Set(await signatures(`${disk}1`))).toEqual(new Set(["vfat"])); // in several places
      expect(await signatures(`${disk}2`)).toEqual(["ext4"]);
    },
    15 * MINUTE, // the sums of 1 GiB take an emulated processor minutes
  );
});

describeLong("a used disk with sectors of 4 KiB", () => {
  test(
    "is installed over for UEFI, and boots",
    async () => {
      const { disk, efiVariables } = createHardware("used-4k", { firmware: "uefi" }, SIZE);
      const extra = [
        ...["-drive", `if=none,id=large,format=raw,cache=unsafe,file=${disk}`],
        ...["-device", "virtio-blk-pci,drive=large,logical_block_size=4096,physical_block_size=4096"],
      ];
      makeUsedDisk(disk, { table: "gpt", size: SIZE });
      {
        await using machine = await bootKernel({
          ...{ name: "used-4k-install", firmware: "uefi", efiVariables, memory: 2048, extra },
          cdrom: join(ARTIFACTS, "k3os-amd64.iso"),
          words: ["k3os.mode=install", "k3os.install.force=true", ...installWords()],
        });
        await machine.console.expect(/is installed on \/dev\/vda/, { timeout: 12 * MINUTE });
        await within(machine.exited, 3 * MINUTE, "The machine did not power off");
      }
      await using machine = await startMachine({
        ...{ name: "used-4k-disk", firmware: "uefi", efiVariables, memory: 1024, extra },
      });
      await machine.console.expect(/ login: /, { timeout: 8 * MINUTE });
      for (const path of [disk, efiVariables]) rmSync(path, { force: true });
    },
    25 * MINUTE,
  );
});
