import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { updatePartitions } from "../../../lib/disk/settle.ts";
import { testHost } from "../../support/host.ts";

const SETTLE = ["udevadm", "settle", "--timeout=30"];

describe("updatePartitions()", () => {
  test("lets the kernel read the table where it did not by itself, and waits for the nodes", async () => {
    using host = testHost({
      answer: ([program]) => {
        if (program === "partx") writeFileSync(join(host.root, "vda1"), "");
        return {};
      },
    });
    await updatePartitions("/dev/vda", [join(host.root, "vda1")], host);
    expect(host.programs.map(({ argv }) => argv)).toEqual([["partx", "--update", "/dev/vda"]]);
  });

  test("waits for udev before and after, where it runs", async () => {
    using host = testHost({ files: { "/run/udev/control": "", "/vda1": "" } });
    await updatePartitions("/dev/vda", [join(host.root, "vda1")], host);
    expect(host.programs.map(({ argv }) => argv)).toEqual([SETTLE, SETTLE]);
  });

  test("gives up after a while, naming the node that is missing", async () => {
    using host = testHost();
    await expect(updatePartitions("/dev/vda", [join(host.root, "vda1")], host)).rejects.toThrow(
      `The partition "${join(host.root, "vda1")}" did not appear`,
    );
  });
});
