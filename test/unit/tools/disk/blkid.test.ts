import { describe, expect, test } from "bun:test";
import { contentOf, parseExport, probe } from "../../../../lib/tools/disk/blkid.ts";

describe("parseExport()", () => {
  test("reads fields and undoes the escapes of blkid", () => {
    const fields = parseExport("DEVNAME=/dev/sda1\nLABEL=my\\ disk=\\$1\nTYPE=ext4\n\n");
    expect(fields.get("LABEL")).toBe("my disk=$1");
    expect(fields.get("TYPE")).toBe("ext4");
  });
});

describe("contentOf()", () => {
  test("is data where there is a file system, also beside a table as on an ISO", () => {
    const fields = parseExport("TYPE=iso9660\nLABEL=K3OS\nPTTYPE=dos\n");
    expect(contentOf(fields)).toEqual({ kind: "data", type: "iso9660", label: "K3OS", uuid: undefined });
  });

  test("is a table where there is only that, and nothing where there is nothing", () => {
    expect(contentOf(parseExport("PTTYPE=gpt\n"))).toEqual({ kind: "table", table: "gpt" });
    expect(contentOf(parseExport(""))).toEqual({ kind: "nothing" });
  });
});

describe("probe()", () => {
  const answers = (code: number, stdout = "", stderr = "") => ({
    run: async () => ({ code, stdout, stderr }),
  });

  test("tells an empty device from one with several file systems", async () => {
    expect(await probe("/dev/sda", answers(2))).toEqual({ kind: "nothing" });
    expect(await probe("/dev/sda", answers(8))).toEqual({ kind: "ambiguous" });
  });

  test("says why a device cannot be read", async () => {
    const failing = probe("/dev/sda", answers(4, "", "blkid: error: /dev/sda: Input/output error\n"));
    await expect(failing).rejects.toThrow(
      'Cannot read "/dev/sda": blkid: error: /dev/sda: Input/output error',
    );
  });
});
