import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyOverlay } from "../../lib/overlay/apply-overlay.ts";
import { removeOverlay } from "../../lib/overlay/remove-overlay.ts";
import { MIB } from "../../lib/tools/fs/size.ts";
import { systemHost } from "../../lib/tools/host/host.ts";
import { createLog } from "../../lib/tools/host/log.ts";
import { encodePublicKey } from "../../lib/tools/release/signature-keys.ts";
import { messageOf } from "../../lib/tools/text/errors.ts";
import { makeSecretKey } from "../support/minisign.ts";
import { fillOverlayRoot } from "../support/overlay-root.ts";
import { everyPrefix, recordWrites } from "../support/power-cut.ts";
import { signedList } from "../support/release.ts";
import { ELF_START, releaseEntries, tarball } from "../support/tarball.ts";

const VERSION = "v0.31.0";
/** Power cuts that are looked at, of one recording. */
const AT_MOST = 60;
const SIZE = 400 * MIB;
const OLD_INIT = "/lib/systemd/systemd";
const secret = makeSecretKey();
const host = systemHost({ log: createLog(() => undefined) });

let scratch: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "k3os-power-overlay-"));
  const files = { "k3os-rootfs-amd64.tar.gz": await tarball(releaseEntries(VERSION)) };
  const all = { ...files, ...signedList(files, { secret, version: VERSION, arch: "amd64" }) };
  for (const [name, content] of Object.entries(all)) writeFileSync(join(scratch, name), content);
  writeFileSync(join(scratch, "config.yaml"), "hostname: board\n");
});

afterAll(() => rmSync(scratch, { recursive: true }));

function apply(root: string): Promise<void> {
  const settings = {
    tarball: join(scratch, "k3os-rootfs-amd64.tar.gz"),
    root,
    config: join(scratch, "config.yaml"),
    keys: [encodePublicKey(secret.publicKey)],
    insecure: false,
    dryRun: false,
    allowDowngrade: false,
  };
  return applyOverlay(settings, host);
}

/** Which system the kernel would start; throws unless that is whole, and what the other had is kept. */
function startedBy(root: string): "old" | "new" {
  const read = (path: string) => readFileSync(join(root, path), "utf8");
  expect(read("usr/lib/systemd/systemd")).toBe("systemd");
  const init = readlinkSync(join(root, "sbin/init"));
  if (init === OLD_INIT) return "old";
  expect(init).toBe("k3os");
  expect(readlinkSync(join(root, "sbin/k3os"))).toBe("/k3os/system/k3os/current/k3os");
  expect(read("k3os/system/k3os/current/k3os")).toBe(`${ELF_START}${VERSION} of k3os`);
  expect(read("k3os/system/k3os/current/k3os.squashfs")).toBe(`${VERSION} of k3os.squashfs`);
  expect(read("k3os/system/k3s/current/k3s")).toBe(`${VERSION} of k3s`);
  expect(read("k3os/system/config.yaml")).toBe("hostname: board\n");
  expect(readlinkSync(join(root, "sbin/init.before-k3os"))).toBe(OLD_INIT);
  expect(read("sbin/kubectl.before-k3os")).toBe("the user's own");
  return "new";
}

describe.each([
  ["calm", false],
  ["restless", true],
] as const)("a power cut on a %s disk", (_, restless) => {
  const options = { size: SIZE, restless, until: "unmounted" } as const;

  test("while the overlay is applied leaves the old system or all of the new one, and the next try succeeds", async () => {
    using recording = await recordWrites({ ...options, prepare: (root) => fillOverlayRoot(root) }, apply);
    const seen = new Set<string>();
    const bad: string[] = [];
    for (const { root, writes } of everyPrefix(recording, { atMost: AT_MOST })) {
      try {
        seen.add(startedBy(root));
        await apply(root);
        expect(startedBy(root)).toBe("new");
      } catch (error) {
        bad.push(`after ${writes} of ${recording.writes.length} writes: ${messageOf(error)}`);
      }
    }
    expect(bad).toEqual([]);
    expect([...seen]).toEqual(["old", "new"]);
  }, 180_000);

  test("while it is removed leaves the new system or the old one", async () => {
    const prepare = async (root: string) => {
      fillOverlayRoot(root);
      await apply(root);
    };
    const remove = (root: string) => removeOverlay({ root, purge: false }, host);
    using recording = await recordWrites({ ...options, prepare }, remove);
    const seen = new Set<string>();
    for (const { root } of everyPrefix(recording, { atMost: AT_MOST })) {
      const init = readlinkSync(join(root, "sbin/init"));
      expect(["k3os", OLD_INIT]).toContain(init);
      seen.add(init);
      expect(readFileSync(join(root, "k3os/system/k3os/current/k3os"), "utf8")).toContain(VERSION);
      await remove(root);
      expect(readlinkSync(join(root, "sbin/init"))).toBe(OLD_INIT);
      expect(readFileSync(join(root, "sbin/kubectl"), "utf8")).toBe("the user's own");
    }
    expect([...seen]).toEqual(["k3os", OLD_INIT]);
  }, 180_000);
});
