import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { addPartitions, comesAbout, forgetPartitions, settle } from "../../../../lib/tools/disk/settle.ts";
import { testHost } from "../../../support/host.ts";
import { lsblkOutput } from "./samples.ts";

const argvs = ({ programs }: ReturnType<typeof testHost>) => programs.map(({ argv }) => argv.join(" "));

describe("comesAbout()", () => {
  test("looks until it is so, and ten seconds at most", async () => {
    using host = testHost();
    let looks = 0;
    expect(await comesAbout(() => ++looks === 3, host)).toBe(true);
    expect(looks).toBe(3);
    expect(await comesAbout(() => ++looks > 200, host)).toBe(false);
  });
});

describe("addPartitions()", () => {
  test("has the kernel take the partitions over, and waits for their nodes, but not for udev", async () => {
    using host = testHost({
      files: { "/run/udev/control": "" },
      answer: ([program]) => {
        if (program === "partx") writeFileSync(join(host.root, "vda1"), "");
        return {};
      },
    });
    await addPartitions("/dev/vda", [join(host.root, "vda1")], host);
    expect(argvs(host)).toEqual(["partx --update /dev/vda"]);
  });

  test("gives up after a while, naming the node that is missing", async () => {
    using host = testHost();
    await expect(addPartitions("/dev/vda", [join(host.root, "vda1")], host)).rejects.toThrow(
      `The partition "${join(host.root, "vda1")}" did not appear`,
    );
  });
});

describe("forgetPartitions()", () => {
  const holding = { path: "/dev/vda", children: [{ path: "/dev/vda1", type: "part" }] };

  test("does nothing to a disk without any, and tries again while one is open", async () => {
    using empty = testHost({ answer: () => ({ stdout: lsblkOutput({ path: "/dev/vda" }) }) });
    await forgetPartitions("/dev/vda", empty);
    expect(argvs(empty)).toEqual([expect.stringMatching(/^lsblk /)]);

    let tries = 0;
    using busy = testHost({
      answer: ([program]) => {
        if (program === "partx") return { code: ++tries < 3 ? 1 : 0 };
        return { stdout: lsblkOutput(tries < 3 ? holding : { path: "/dev/vda" }) };
      },
    });
    await forgetPartitions("/dev/vda", busy);
    expect(argvs(busy).filter((line) => line.startsWith("partx"))).toEqual(
      Array(3).fill("partx --delete /dev/vda"),
    );
  });

  test("gives up with the node that somebody has open, and all of them there again", async () => {
    using host = testHost({
      answer: ([program]) => (program === "lsblk" ? { stdout: lsblkOutput(holding) } : { code: 1 }),
    });
    await expect(forgetPartitions("/dev/vda", host)).rejects.toThrow('Another program has "/dev/vda1" open');
    expect(argvs(host).at(-1)).toBe("partx --update /dev/vda");
  });
});

test("settle() waits for udev only where it runs", async () => {
  using without = testHost();
  await settle(without);
  using having = testHost({ files: { "/run/udev/control": "" } });
  await settle(having);
  expect([argvs(without), argvs(having)]).toEqual([[], ["udevadm settle --timeout=30"]]);
});
