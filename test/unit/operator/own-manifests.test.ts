import { describe, expect, test } from "bun:test";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { ownManifests } from "../../../lib/operator/own-manifests.ts";
import { SKIP_TEXT } from "../../../lib/tools/node/manifest-skip.ts";
import { testHost } from "../../support/host.ts";

const SHIPPED = "/usr/share/rancher/k3s/server/manifests";
const DEPLOYED = "/var/lib/rancher/k3s/server/manifests";
const PATHS = ["a.yaml", "plans/b.yaml"];
const FILES = Object.fromEntries(
  PATHS.flatMap((path) => [
    [`${SHIPPED}/${path}`, path],
    [`${DEPLOYED}/${path}`, path],
    [`${DEPLOYED}/${path}.skip`, SKIP_TEXT],
  ]),
);

const pathsOf = (files: Readonly<Record<string, string>>) => {
  using host = testHost({ files: { ...FILES, ...files } });
  return ownManifests(host).map(({ path }) => path);
};

describe("ownManifests()", () => {
  test("are those of the release, with their text", () => {
    using host = testHost({ files: FILES });
    expect(ownManifests(host)).toEqual(PATHS.map((path) => ({ path, text: path })));
  });

  test("are without one that was edited, which k3s applies from then on", () => {
    using host = testHost({ files: FILES });
    writeFileSync(`${host.root}${DEPLOYED}/a.yaml`, "mine");
    rmSync(`${host.root}${DEPLOYED}/plans/b.yaml`);
    expect(ownManifests(host)).toEqual([]);
    expect(existsSync(`${host.root}${DEPLOYED}/a.yaml.skip`)).toBe(false);
    expect(host.logged.join()).toContain('"a.yaml" was edited');
  });

  test("are without one that a person has k3s ignore", () => {
    expect(pathsOf({ [`${DEPLOYED}/a.yaml.skip`]: "" })).toEqual(["plans/b.yaml"]);
  });

  const unit = (args: string) => ({
    "/etc/systemd/system/k3s-service.service": `ExecStart=/sbin/k3s server ${args}\n`,
  });
  test.each([
    [unit("--disable a"), ["plans/b.yaml"]],
    [unit("--disable=traefik,a --debug"), ["plans/b.yaml"]],
    [unit("--disable plans"), ["a.yaml"]],
    [unit("--disable traefik"), PATHS],
    [{ "/etc/rancher/k3s/config.yaml": "disable: [traefik, b]\n" }, ["a.yaml"]],
    [{ "/etc/rancher/k3s/config.yaml.d/1.yaml": "disable+: a\n" }, ["plans/b.yaml"]],
    [{ "/etc/rancher/k3s/config.yaml": "disable: [a\n" }, PATHS],
  ])("with %j are %p", (files, paths) => {
    expect(pathsOf(files)).toEqual([...paths]);
  });

  test("are none without a release", () => {
    using host = testHost();
    expect(ownManifests(host)).toEqual([]);
  });
});
