import { expect, test } from "bun:test";
import { rmSync, statSync, writeFileSync } from "node:fs";
import { createHardware, keptHardware } from "../../../../lib/make/vm/virtual-node.ts";

test("keptHardware() is the machine that was made last, with the firmware that it was installed with", () => {
  const made = createHardware("test-kept", { firmware: "bios" }, 2 ** 20);
  try {
    expect(statSync(made.disk).size).toBe(2 ** 20);
    expect(keptHardware("test-kept")).toMatchObject({ firmware: "bios", disk: made.disk });
    writeFileSync(made.efiVariables, ""); // as its first start makes it
    expect(keptHardware("test-kept").firmware).toBe("uefi");
    createHardware("test-kept", { firmware: "bios" }, 2 ** 20);
    expect(keptHardware("test-kept").firmware).toBe("bios");
  } finally {
    for (const file of [made.disk, made.efiVariables]) rmSync(file, { force: true });
  }
});
