import { describe, expect, test } from "bun:test";
import { parseCommandLine } from "../../../lib/tools/cli/cli.ts";
import { COPY_OPTIONS, type CopySettings, copySettings } from "../../../lib/upgrade/copy-settings.ts";

const command = { options: COPY_OPTIONS, run: async () => 0 };

function settings(argv: readonly string[], onNode: boolean): CopySettings {
  return copySettings(parseCommandLine(command, argv, {}).values, { onNode });
}

describe("copySettings()", () => {
  test("upgrades the node itself, if there is one and no other destination is given", () => {
    expect(settings(["--rootfs", "--source", "/a"], true).destination).toBe("/k3os/system");
    expect(settings(["--rootfs", "--source", "/a", "--destination", "/b"], true).destination).toBe("/b");
  });

  test("wants a destination elsewhere, such as in a container", () => {
    expect(() => settings(["--rootfs", "--source", "/a"], false)).toThrow("Missing --destination");
  });

  test("wants a source, and something to upgrade", () => {
    expect(() => settings(["--rootfs"], true)).toThrow("Missing --source");
    expect(() => settings(["--source", "/a"], true)).toThrow("expected --rootfs, --kernel or both");
  });
});
