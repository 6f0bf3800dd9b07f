import { describe, expect, test } from "bun:test";
import { machineArgv } from "../../../../lib/make/vm/qemu.ts";

const WIRING = { serial: 4001, qmp: 4002, sshPort: 0, efiVariables: "/scratch/variables.fd" };

/** The values of an option, in order. */
function valuesOf(argv: readonly string[], option: string): string[] {
  return argv.flatMap((word, at) => (word === option ? [argv[at + 1] ?? ""] : []));
}

describe("machineArgv()", () => {
  test("keeps the guest's ssh on the host's loopback", () => {
    const argv = machineArgv({ name: "a", memory: 512 }, { ...WIRING, sshPort: 4022 });
    expect(valuesOf(argv, "-netdev")).toEqual(["user,id=net,hostfwd=tcp:127.0.0.1:4022-:22"]);
  });

  test("gives disks their order, and a machine for UEFI its own variables", () => {
    const argv = machineArgv({ name: "a", memory: 512, firmware: "uefi", disks: ["/a", "/b"] }, WIRING);
    expect(valuesOf(argv, "-drive").map((drive) => /file=(.*)/.exec(drive)?.[1])).toEqual([
      "/usr/share/OVMF/OVMF_CODE_4M.fd",
      "/scratch/variables.fd",
      "/a",
      "/b",
    ]);
  });

  test("leaves out what there is not", () => {
    const argv = machineArgv({ name: "a", memory: 512 }, WIRING);
    expect(argv.filter((word) => /hostfwd|pflash|cdrom|usb|^-kernel$/.test(word))).toEqual([]);
  });
});
