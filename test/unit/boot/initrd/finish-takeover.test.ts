import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { completeTakeover } from "../../../../lib/boot/initrd/finish-takeover.ts";
import { undoTakeover } from "../../../../lib/install/takeover/prepare-takeover.ts";
import { TAKEOVER_MARK } from "../../../../lib/tools/disk/grub.ts";
import { emptyEnvironment, withVariable } from "../../../../lib/tools/disk/grubenv.ts";
import { recallTakeoverRecord, TAKEOVER } from "../../../../lib/tools/disk/takeover-record.ts";
import { DAMAGES, damage } from "../../../support/damage.ts";
import { testHost } from "../../../support/host.ts";

const FILES = {
  "/boot/grub2/grub.cfg": `${TAKEOVER_MARK}\nours`,
  "/boot/grub2/grubenv": withVariable(emptyEnvironment(), "k3os_takeover", "tried"),
  [TAKEOVER.oldMenu]: "the old menu",
  [TAKEOVER.record]: "",
  "/k3os/system/config.yaml": "",
};

describe.each(DAMAGES)("where %s is in the place of a takeover's record,", (kind) => {
  test("GRUB's directory is found, and the start goes on", () => {
    using host = testHost({ files: FILES });
    damage(join(host.root, TAKEOVER.record), kind);
    expect(recallTakeoverRecord(host.root, host)?.grub).toBe("/boot/grub2");
    expect(host.logged.join()).toContain(`Cannot read "${join(host.root, TAKEOVER.record)}"`);
    expect(completeTakeover(host.root, host)).toBeUndefined(); // nothing was verified: nothing is deleted
    expect(existsSync(join(host.root, TAKEOVER.oldMenu))).toBe(true);
  });

  test("the takeover can be undone", () => {
    using host = testHost({ files: FILES });
    damage(join(host.root, TAKEOVER.record), kind);
    undoTakeover(host);
    expect(readFileSync(join(host.root, "boot/grub2/grub.cfg"), "utf8")).toBe("the old menu");
    expect(readFileSync(join(host.root, "boot/grub2/grubenv"), "utf8")).toBe(emptyEnvironment());
    expect(existsSync(join(host.root, "k3os"))).toBe(false);
  });
});

test("a takeover can be undone beside a damaged environment block", () => {
  using host = testHost({ files: { ...FILES, "/boot/grub2/grubenv": "something else\n" } });
  undoTakeover(host);
  expect(readFileSync(join(host.root, "boot/grub2/grub.cfg"), "utf8")).toBe("the old menu");
});
