import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { removeLeftWrites } from "../../../../lib/boot/system/unfinished.ts";
import { testHost } from "../../../support/host.ts";

/** As a release before this one named them, or a boot before this one. */
const LEFT = [
  "/.base/k3os/system/.trial.json.0123456789ab",
  "/.base/boot/grub/.grub.cfg.new.0123456789ab",
  "/var/lib/rancher/k3os/.machine-id.0123456789ab",
  "/var/lib/rancher/k3os/ssh/.sshd_config.0123456789ab",
];
const KEPT = [
  "/.base/k3os/system/trial.json",
  "/.base/k3os/system/k3os/v1/k3os",
  "/var/lib/rancher/k3os/ssh/.shipped",
  "/var/lib/mine/.file.0123456789ab",
];

test("removeLeftWrites() removes unfinished files of a boot before where all files are ours, and nothing else", () => {
  using host = testHost({ files: Object.fromEntries([...LEFT, ...KEPT].map((path) => [path, "text"])) });
  removeLeftWrites(host);
  expect(LEFT.filter((path) => existsSync(join(host.root, path)))).toEqual([]);
  expect(KEPT.filter((path) => !existsSync(join(host.root, path)))).toEqual([]);
  expect(host.logged).toEqual([]);
});

test("removeLeftWrites() has nothing to do on a root that has none of the directories", () => {
  using host = testHost();
  removeLeftWrites(host);
  expect(host.logged).toEqual([]);
});
