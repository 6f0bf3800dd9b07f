import { describe, expect, test } from "bun:test";
import type { InstallFacts } from "../../../lib/install/install-facts.ts";
import { type DiskPlan, planInstall, stateSize } from "../../../lib/install/install-plan.ts";
import type { InstallSettings } from "../../../lib/install/install-settings.ts";
import type { Medium } from "../../../lib/install/medium.ts";
import { GIB, MIB } from "../../../lib/tools/fs/size.ts";
import { targetOf } from "../../../lib/tools/host/targets.ts";
import { blockDevice, deviceFacts, facts, MEDIUM, SETTINGS, takeoverFacts } from "./samples.ts";

interface Given {
  readonly settings?: Partial<InstallSettings>;
  readonly facts?: Partial<InstallFacts>;
  readonly medium?: Partial<Medium>;
  readonly config?: string;
  readonly release?: string;
}

function plan(given: Given = {}) {
  const config = given.config === undefined ? undefined : { content: given.config, origin: "test" };
  const medium = { ...MEDIUM, ...given.medium };
  return planInstall({ ...SETTINGS, ...given.settings }, facts(given.facts), {
    ...{ medium, config, release: given.release },
  });
}

const part = blockDevice({ path: "/dev/vda3", type: "part" });
const kept = { type: "ext4", label: "data", uuid: "kept-uuid", size: 20 * GIB, free: 10 * GIB };
const noFormat: Given = {
  settings: { noFormat: true },
  facts: { device: deviceFacts({ device: part, disk: blockDevice(), state: kept }) },
};
const takeover: Given = {
  settings: { noFormat: true, takeOver: true },
  facts: { device: deviceFacts({ device: part, state: kept }), takeover: takeoverFacts(kept) },
};

/** The plan of a disk that is made anew. */
function diskPlan(given: Given = {}): DiskPlan {
  const planned = plan(given);
  if (planned.kind !== "disk") throw new Error(`planned: ${planned.kind}`);
  return planned;
}

const fileOf = (planned: ReturnType<typeof plan>, path: string) =>
  planned.files.find((file) => file.path === path);

describe("planInstall()", () => {
  test("for a BIOS makes one partition, and the first boot grows it", () => {
    const planned = diskPlan();
    expect(planned.layout.table).toBe("dos");
    expect(planned.loader).toEqual({ kind: "bios" });
    expect(planned.grub.name).toBe("i386-pc");
    expect(planned.state.path).toBe("/dev/vda1");
    expect(fileOf(planned, "/k3os/system/growpart")?.content).toBe("/dev/vda 1\n");
  });

  test("for UEFI makes two, and the second is the one that grows", () => {
    const device = deviceFacts({ device: blockDevice({ path: "/dev/nvme0n1" }) });
    const planned = diskPlan({ facts: { efiFirmware: true, device } });
    expect(planned.layout.table).toBe("gpt");
    expect(planned.loader).toEqual({ kind: "efi", esp: "/dev/nvme0n1p1", file: "BOOTX64.EFI" });
    expect(planned.state.path).toBe("/dev/nvme0n1p2");
    expect(fileOf(planned, "/k3os/system/growpart")?.content).toBe("/dev/nvme0n1 2\n");
  });

  test("lays out UEFI without such firmware when forced, and always on arm64", () => {
    expect(diskPlan({ settings: { forceEfi: true } }).grub.name).toBe("x86_64-efi");
    const arm = diskPlan({ facts: { target: targetOf("arm64") } });
    expect(arm.grub.name).toBe("arm64-efi");
    expect(arm.loader).toMatchObject({ kind: "efi", file: "BOOTAA64.EFI" });
  });

  test("lets the node remember which signed list its medium is of, if any", () => {
    const path = "/k3os/system/release.json";
    const release = '{"version":"v1","timestamp":1}\n';
    expect(fileOf(plan({ release }), path)?.content).toBe(release);
    expect(fileOf(plan({ ...noFormat, release }), path)?.content).toBe(release);
    expect(fileOf(plan(), path)).toBeUndefined();
  });

  test("erases the ends of the disk and of all partitions that its table names, as far as they are on it", () => {
    const partitions = [
      { path: "/dev/vda1", start: MIB, size: GIB, name: undefined },
      { path: "/dev/vda2", start: 39 * GIB, size: 2 * GIB, name: undefined },
      { path: "/dev/vda3", start: 41 * GIB, size: GIB, name: undefined },
    ];
    expect(diskPlan({ facts: { device: deviceFacts({ partitions }) } }).erased).toEqual([
      { start: 0, size: 40 * GIB },
      { start: MIB, size: GIB },
      { start: 39 * GIB, size: GIB },
    ]);
  });

  test("with no-format changes neither partitions nor boot loader, and grows nothing", () => {
    const planned = plan(noFormat);
    expect(planned).toMatchObject({ kind: "partition", relabel: true });
    expect(planned.state).toEqual({ path: "/dev/vda3", uuid: "kept-uuid" });
    expect(planned.files.map(({ path }) => path)).toEqual(["/boot/grub/grub.cfg"]);
    expect(fileOf(planned, "/boot/grub/grub.cfg")?.content).toContain("--fs-uuid kept-uuid");
  });

  test("with no-format relabels only where it must", () => {
    const device = deviceFacts({ device: part, state: { ...kept, label: "K3OS_STATE" } });
    expect(plan({ ...noFormat, facts: { device } })).toMatchObject({ kind: "partition", relabel: false });
  });

  test("of a takeover lays everything beside the running system, whose boot menu comes last", () => {
    const planned = plan(takeover);
    expect(planned).toMatchObject({
      kind: "takeover",
      record: { uuid: "kept-uuid", grub: "/boot/grub2", madeEnvironment: true, afterwards: "restart" },
      menu: { path: "/boot/grub2/grub.cfg" },
      environment: "/boot/grub2/grubenv",
      directories: ["/k3os/data/opt"],
    });
    expect(planned.files.map(({ path }) => path)).toEqual([
      "/k3os/takeover/grub.cfg",
      "/k3os/system/takeover",
    ]);
  });

  test("writes the configuration so that only root reads it", () => {
    const file = fileOf(plan({ config: "hostname: a\n" }), "/k3os/system/config.yaml");
    expect(file).toEqual({ path: "/k3os/system/config.yaml", content: "hostname: a\n", mode: 0o600 });
  });

  test("prefers a configuration to the medium's, and that to none", () => {
    const medium = { config: Buffer.from("hostname: medium\n") };
    const content = (given: Given) => fileOf(plan(given), "/k3os/system/config.yaml")?.content.toString();
    expect(content({ medium, config: "hostname: given\n" })).toBe("hostname: given\n");
    expect(content({ medium })).toBe("hostname: medium\n");
    expect(content({})).toMatch(/^#/);
  });

  test("with no-format leaves a configuration that is there when it has no other", () => {
    expect(fileOf(plan(noFormat), "/k3os/system/config.yaml")).toBeUndefined();
  });

  test("passes tty and debug on to the boot menu", () => {
    const planned = plan({ settings: { tty: "ttyS0", debug: true } });
    expect(fileOf(planned, "/boot/grub/grub.cfg")?.content).toContain(
      "printk.devkmsg=on panic=10 k3os.state=$state console=tty1 console=ttyS0 k3os.debug $trial\n",
    );
  });

  test("has the boot menu load what the running kernel was told to", () => {
    const { files } = plan({ facts: { cmdline: 'console=tty1 k3os.modules="a b=1" k3os.mode=live' } });
    const menu = `${files.find(({ path }) => path === "/boot/grub/grub.cfg")?.content}`;
    const lines = menu.match(/^ {2}linux .*$/gm) ?? [];
    expect(lines.map((line) => line.includes(" 'k3os.modules=a b=1' console="))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(menu).not.toContain("k3os.mode=");
  });

  test("refuses a medium that does not fit", () => {
    const device = deviceFacts({ device: blockDevice({ size: 2 * GIB }) });
    expect(() => plan({ facts: { device } })).toThrow('"/dev/vda" is too small for this medium');
    const full = deviceFacts({ device: part, state: { ...kept, free: GIB } });
    expect(() => plan({ ...noFormat, facts: { device: full } })).toThrow("too little free space: 1.0 GiB");
  });

  test("counts container images twice, since k3s imports them", () => {
    const medium = { ...MEDIUM, images: { names: ["a.tar"], size: GIB } };
    const enough = deviceFacts({ device: part, state: { ...kept, free: 2.5 * GIB } });
    expect(plan({ ...noFormat, facts: { device: enough } }).kind).toBe("partition");
    expect(() => plan({ ...noFormat, medium, facts: { device: enough } })).toThrow(
      "too little free space: 2.5 GiB, 3.1 GiB are needed",
    );
  });
});

describe("stateSize()", () => {
  test("leaves room beside what is copied, and is whole MiB", () => {
    const size = stateSize(700 * MIB + 1, 100);
    expect(size).toBeGreaterThan(700 * MIB * 1.1 + 256 * MIB);
    expect(size % MIB).toBe(0);
  });

  test("is never less than 1 GiB", () => {
    expect(stateSize(1, 1)).toBe(GIB);
  });
});
