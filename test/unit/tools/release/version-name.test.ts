import { describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { inspectMedium } from "../../../../lib/install/medium.ts";
import { missingFromMedium } from "../../../../lib/install/remaster/remaster-plan.ts";
import { placeEntry } from "../../../../lib/tools/generation/archive-entry.ts";
import { linkedVersion, versionsOf } from "../../../../lib/tools/generation/generation-links.ts";
import { openStage } from "../../../../lib/tools/generation/stage.ts";
import { hostTarget } from "../../../../lib/tools/host/targets.ts";
import { listComment } from "../../../../lib/tools/release/release-list.ts";
import { checkVersion, isVersion } from "../../../../lib/tools/release/version-name.ts";
import { messageOf } from "../../../../lib/tools/text/errors.ts";
import { findRelease } from "../../../../lib/upgrade/find-release.ts";
import { testHost } from "../../../support/host.ts";
import { executable, makeMedium } from "../../../support/medium.ts";

/** What no version is called, wherever one is named: links, left-overs, what is hidden, and what leads elsewhere. */
const NONE = [
  ...["", ".", "..", "current", "previous", "_x", "v1.old", "v1.tmp", ".v1", ".v1.partial", "-v"],
  ...["v1\n", "v 1", "v1;x", "vé", "v".repeat(129)],
];
const VERSIONS = ["v0.30.0", "v1.31.5+k3s1", "6.12.57+deb13-amd64", "0.31.0-rc1", "v1~rc1", "1"];
const TOP = "v1/k3os/system";

describe("a version", () => {
  test.each(VERSIONS)("can be %j, everywhere", async (version) => {
    using host = testHost();
    expect(checkVersion(version)).toBe(version);
    const entry = { name: `${TOP}/k3os/${version}/k3os`, type: "file", size: 1 };
    expect(placeEntry(entry)).toMatchObject({ kind: "file", version });
    const stage = await openStage(host.root, { component: "k3os", version });
    await stage.publish();
    symlinkSync(version, join(host.root, "k3os/current"));
    expect(versionsOf(host.root, "k3os")).toEqual([version]);
    expect(linkedVersion(host.root, "k3os", "current")).toBe(version);
  });

  test.each([...NONE, "a/b", "../v1"])("cannot be %j, anywhere", async (version) => {
    using host = testHost();
    expect(isVersion(version)).toBe(false);
    expect(() => checkVersion(version)).toThrow("cannot be the name of a version");
    expect(() => listComment({ arch: "amd64", version, timestamp: 0 })).toThrow("is not a version");
    await expect(openStage(host.root, { component: "k3os", version })).rejects.toThrow("cannot be the name");
    const current = { name: `${TOP}/k3os/current`, type: "symlink", size: 0, linkname: version };
    expect(() => placeEntry(current)).toThrow("it should be a link to a version");
    if (version === "") return;
    const env = { K3OS_VERSION: version, K3OS_RELEASE_URL: host.root };
    const call = findRelease({ arch: "amd64", trust: { kind: "anyone" } }, { ...host, env });
    expect(await call.then(() => "", messageOf)).toContain("which is not a version");
  });

  test.each(["_x", "v1.old", "previous", "v1.tmp"])("of an archive is not called %j", (version) => {
    const inside = { name: `${TOP}/kernel/${version}/initrd`, type: "file", size: 1 };
    expect(() => placeEntry(inside)).toThrow("The archive holds");
    const above = { name: `${version}/k3os/system/kernel/6.1/initrd`, type: "file", size: 1 };
    expect(() => placeEntry(above)).toThrow("its directory is not called like a version");
  });

  test.each(["_x", "v1.old"])("of a system or medium is not called %j", (version) => {
    using host = testHost();
    mkdirSync(join(host.root, "system/k3os", version), { recursive: true });
    symlinkSync(version, join(host.root, "system/k3os/current"));
    expect(linkedVersion(join(host.root, "system"), "k3os", "current")).toBeUndefined();
    expect(versionsOf(join(host.root, "system"), "k3os")).toEqual([]);
    const medium = join(host.root, "medium");
    const place = `k3os/system/k3os/${version}`;
    const files = { [`${place}/k3os`]: executable(), [`${place}/k3os.squashfs`]: "x" };
    makeMedium(medium, { files, links: { "k3os/system/k3os/current": version } });
    expect(() => inspectMedium(medium, hostTarget())).toThrow("leads to no version of k3os");
    const paths = ["boot/grub/grub.cfg", "k3os/system/k3os/current", "k3os/system/kernel/current"];
    const missing = missingFromMedium([...paths, ...Object.keys(files)]);
    expect(missing).toBe("k3os/system/k3os/VERSION/k3os");
  });
});
