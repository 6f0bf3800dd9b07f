import { expect, test } from "bun:test";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { images } from "../../../lib/apply/images.ts";
import { imagesList } from "../../../lib/tools/images/image-set.ts";
import { type TestHost, testHost } from "../../support/host.ts";

const DELIVERED = "/k3os/system/images";
const IMPORTED = "/var/lib/rancher/k3s/agent/images";

async function deliver(host: TestHost, names: readonly string[]): Promise<void> {
  const directory = join(host.root, DELIVERED);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const paths = names.map((name) => join(directory, name));
  for (const path of paths) writeFileSync(path, "an archive");
  writeFileSync(join(directory, "sha256sum.txt"), await imagesList(paths.map((path) => ({ path }))));
}

function offered(host: TestHost): string[] {
  return readdirSync(join(host.root, IMPORTED)).sort();
}

test("images are offered to k3s by links, and no others after an upgrade; the user's stay", async () => {
  using host = testHost({ files: { [`${IMPORTED}/mine.tar`]: "mine" } });
  await deliver(host, ["a.tar", "b.tar.zst"]);
  await images.apply({}, host);
  expect(offered(host)).toEqual(["a.tar", "b.tar.zst", "mine.tar"]);
  expect(readlinkSync(join(host.root, IMPORTED, "a.tar"))).toBe(`${DELIVERED}/a.tar`);
  symlinkSync("/mnt/other.tar", join(host.root, IMPORTED, "other.tar"));
  await deliver(host, ["b.tar.zst", "c.tar", "mine.tar"]);
  await images.apply({}, host);
  expect(offered(host)).toEqual(["b.tar.zst", "c.tar", "mine.tar", "other.tar"]);
  expect(readFileSync(join(host.root, IMPORTED, "mine.tar"), "utf8")).toBe("mine");
  expect(host.logged.join("\n")).toContain('mine.tar" is yours');
});

test("images that are there already are not offered again, and a system without any changes nothing", async () => {
  using host = testHost();
  await images.apply({}, host);
  expect(readdirSync(host.root)).toEqual([]);
  await deliver(host, ["a.tar"]);
  await images.apply({}, { ...host, dryRun: true });
  expect(readdirSync(host.root)).toEqual(["k3os"]);
  await images.apply({}, host);
  const said = host.logged.length;
  await images.apply({}, host);
  expect(host.logged).toHaveLength(said);
});

test("images are offered where k3s has its data", async () => {
  using host = testHost();
  await deliver(host, ["a.tar"]);
  await images.apply({ k3os: { k3sArgs: ["server", "--data-dir=/data/k3s"] } }, host);
  expect(readdirSync(join(host.root, "/data/k3s/agent/images"))).toEqual(["a.tar"]);
});

test("an archive that is listed and missing does not stop the others", async () => {
  using host = testHost();
  await deliver(host, ["a.tar", "b.tar"]);
  rmSync(join(host.root, DELIVERED, "a.tar"));
  await images.apply({}, host);
  expect(offered(host)).toEqual(["b.tar"]);
  expect(host.logged.join("\n")).toContain('a.tar" is missing');
});
