import { describe, expect, test } from "bun:test";
import { describePlan, summarizePlan } from "../../../lib/install/describe-plan.ts";
import type { InstallFacts } from "../../../lib/install/install-facts.ts";
import { type InstallPlan, planInstall } from "../../../lib/install/install-plan.ts";
import type { InstallSettings } from "../../../lib/install/install-settings.ts";
import { GIB } from "../../../lib/tools/fs/size.ts";
import { blockDevice, deviceFacts, facts, MEDIUM, SETTINGS, takeoverFacts } from "./samples.ts";

const origins = { medium: "/dev/sr0", config: "https://example.com/c.yaml" };
const part = blockDevice({ path: "/dev/vda3", type: "part" });
const state = { type: "ext4", label: "data", uuid: "kept-uuid", size: 20 * GIB, free: 10 * GIB };

interface Given {
  readonly settings?: Partial<InstallSettings>;
  readonly facts?: Partial<InstallFacts>;
  readonly config?: string;
}

function plan({ settings = {}, facts: more = {}, config }: Given): InstallPlan {
  const installed = config === undefined ? undefined : { content: config, origin: "test" };
  return planInstall({ ...SETTINGS, ...settings }, facts(more), { medium: MEDIUM, config: installed });
}

const linesOf = (given: Given) => describePlan(plan(given), facts(given.facts), origins).split("\n");
const summaryOf = (given: Given) => summarizePlan(plan(given), facts(given.facts), origins).split("\n");

const KEPT = deviceFacts({ device: part, disk: blockDevice(), state });
const KINDS: readonly [InstallPlan["kind"], Given, readonly string[], readonly string[]][] = [
  [
    "disk",
    {},
    [
      "Erase everything on /dev/vda, which is empty",
      "Partition it for BIOS:",
      `Format /dev/vda1 with ext4, label K3OS_STATE, UUID ${facts().uuid}`,
      "Install GRUB (i386-pc)",
    ],
    ["Erase everything on /dev/vda, which is empty", "Make K3OS_STATE, started by BIOS"],
  ],
  [
    "partition",
    { settings: { noFormat: true }, facts: { device: KEPT } },
    [
      "Keep the file system on /dev/vda3, its data, and the boot loader",
      "Label /dev/vda3 K3OS_STATE",
      "Write /boot/grub/grub.cfg",
    ],
    ["Keep the file system on /dev/vda3 and its data"],
  ],
  [
    "takeover",
    {
      settings: { noFormat: true, takeOver: true, powerOff: true },
      facts: { device: KEPT, takeover: takeoverFacts(state) },
    },
    [
      "Replace the running system on /dev/vda3, UUID kept-uuid",
      "Started by GRUB 2.06 (i386-pc) with /boot/grub2/grub.cfg",
      "Write /k3os/takeover/grub.cfg",
      "At the next boot: check the new system, delete everything else, and",
      "power off",
    ],
    ["Keep the file system on /dev/vda3 and its data"],
  ],
];

/** Lines of one kind that no other may have. */
const OWN = /^(Erase|Partition|Format|Make|Install GRUB|Keep|Label|Replace|Started|At the next)/;

describe.each(KINDS)("the plan of a %s", (kind, given, lines, summary) => {
  test("says what becomes of the device, and nothing of the other kinds", () => {
    expect(plan(given).kind).toBe(kind);
    const said = linesOf(given).map((line) => line.replace(/ \(\d+ bytes\).*$/, ""));
    for (const line of lines) expect(said).toContain(line);
    const own = lines.filter((line) => OWN.test(line));
    expect(said.filter((line) => OWN.test(line))).toEqual(own);
  });

  test("says so in short to whoever consents", () => {
    expect(summaryOf(given).filter((line) => OWN.test(line))).toEqual([...summary]);
  });
});

describe("describePlan()", () => {
  test("says what is stopped, erased, made, written, and what happens then", () => {
    const volume = blockDevice({ path: "/dev/mapper/vg-root", type: "lvm" });
    const children = [blockDevice({ path: "/dev/vda2", type: "part", children: [volume] })];
    const occupants = [{ path: "/dev/vda1", what: "ntfs", ours: false }];
    const device = deviceFacts({ device: blockDevice({ children }), occupants });
    const lines = [
      "Stop /dev/mapper/vg-root (lvm)",
      "  /dev/vda1: ntfs",
      "  label: dos",
      "Then: nothing more",
    ];
    const said = linesOf({ facts: { device } });
    for (const line of ["from /dev/sr0", ...lines]) expect(said).toContain(line);
  });

  test("shows no secret of the configuration", () => {
    const text = linesOf({ config: "k3os: {token: SECRET}\n" }).join("\n");
    expect(text).toContain("/k3os/system/config.yaml");
    expect(text).not.toContain("SECRET");
  });
});

test("summarizePlan() shortens a long list of what is erased", () => {
  const occupants = Array.from({ length: 8 }, (_, i) => ({
    path: `/dev/vda${i}`,
    what: "ntfs",
    ours: false,
  }));
  const said = summaryOf({ facts: { device: deviceFacts({ occupants }) } });
  expect(said).toContain("  /dev/vda4: ntfs");
  expect(said).toContain("  and 3 more");
});
