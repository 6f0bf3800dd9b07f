import { describe, expect, test } from "bun:test";
import { release } from "node:os";
import { join } from "node:path";
import { bootsForeignKernel } from "../../../lib/upgrade/own-kernel.ts";
import { testHost } from "../../support/host.ts";

const MODE = { "/run/k3os/mode": "local\n" };

describe("bootsForeignKernel()", () => {
  test.each([
    ["a system without kernels", { "/k3os/system/k3os/v1/k3os": "" }, true],
    [
      "a board that the tarball was unpacked over",
      { ...MODE, "/k3os/system/kernel/6.12.1/initrd": "" },
      true,
    ],
    [
      "a machine that runs one of its kernels",
      { ...MODE, [`/k3os/system/kernel/${release()}/initrd`]: "" },
      false,
    ],
    ["a system that does not run", { "/k3os/system/kernel/6.12.1/initrd": "" }, false],
    [
      "an image that runs from a medium",
      { "/run/k3os/mode": "live\n", "/k3os/system/kernel/6/initrd": "" },
      false,
    ],
  ] as const)("of %s", (_, files, expected) => {
    using host = testHost({ files });
    expect(bootsForeignKernel(join(host.root, "k3os/system"))).toBe(expected);
  });
});
