import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IMAGE_NAME, imageTag } from "../../lib/make/image/container.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { runImage } from "../support/container.ts";
import { ARTIFACTS } from "../support/image.ts";
import { measured, type OciImage, unpackOci } from "../support/oci.ts";
import { shippedObjects } from "../support/plans.ts";

/** The image as the upgrade controller gets it: read by the tools of others, and run as a runtime would. */
const { arch } = hostTarget();
const ARCHIVE = join(ARTIFACTS, `k3os-image-${arch}.tar`);

let scratch = "";
let root = "";
let image: OciImage;
let version = "";

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "k3os-container-"));
  root = join(scratch, "root");
  mkdirSync(root);
  image = await unpackOci(ARCHIVE, join(scratch, "image"));
  await runProgram(["tar", "-xzf", image.layer, "-C", root]);
  version = readlinkSync(join(root, "k3os/system/k3os/current"));
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const run = (argv: readonly string[]) => runImage(root, image.config, argv);

describe("the image", () => {
  test("has blobs of the digests and sizes that lead to them", async () => {
    for (const blob of image.blobs) expect(blob).toMatchObject(await measured(image.path(blob)));
    const plain = await runProgram(["sh", "-c", 'pigz -dc "$1" | sha256sum', "sh", image.layer]);
    expect(image.config.rootfs.diff_ids).toEqual([`sha256:${plain.stdout.slice(0, 64)}`]);
  });

  test("is for this machine, and named after its version", () => {
    expect(image.config).toMatchObject({ architecture: arch, os: "linux" });
    expect(image.config.config.Labels["org.opencontainers.image.version"]).toBe(version);
    expect(image.docker[0].RepoTags).toEqual([`${IMAGE_NAME}:${imageTag(version)}`]);
  });

  test.each(["oci-archive", "docker-archive"])(
    "is copied and verified by skopeo, as %s",
    async (transport) => {
      const copy = join(scratch, transport);
      const policy = ["skopeo", "--insecure-policy"]; // there is none for local files on every machine
      await runProgram([...policy, "copy", `${transport}:${ARCHIVE}`, `dir:${copy}`]);
      const { stdout } = await runProgram([...policy, "inspect", "--config", `dir:${copy}`]);
      expect(JSON.parse(stdout).rootfs).toEqual(image.config.rootfs);
      rmSync(copy, { recursive: true });
    },
  );

  test("holds the system of the tarball, and nothing beside it", async () => {
    const tarball = await listed(join(ARTIFACTS, `k3os-rootfs-${arch}.tar.gz`));
    const system = tarball.filter((line) => line.includes(` ${version}/k3os/`));
    expect(system.length).toBeGreaterThan(8);
    expect(await listed(image.layer)).toEqual(system.map((line) => line.replace(` ${version}/`, " ")));
    expect(readdirSync(root)).toEqual(["k3os"]);
  });
});

/** What an archive holds: modes, owners, sizes, times and paths. */
async function listed(archive: string): Promise<string[]> {
  const { stdout } = await runProgram(["tar", "-tvzf", archive]);
  return stdout.trim().replaceAll(/ +/g, " ").split("\n");
}

describe("a container of the image", () => {
  test("shows the help", async () => {
    const { Entrypoint, Cmd } = image.config.config;
    const ended = await run([...Entrypoint, ...Cmd]);
    expect(ended).toEqual({ code: 0, stdout: expect.stringContaining("k3os COMMAND"), stderr: "" });
  });

  test("finds k3os by the image's PATH, and tells the version, as the Plan has it prepare", async () => {
    for (const { spec } of shippedObjects("system-upgrade-plans/k3os-latest.yaml")) {
      expect(await run(spec.prepare.command)).toEqual({
        code: 0,
        stdout: `k3os version ${version}\n`,
        stderr: "",
      });
    }
  });

  test("runs k3s, if the image has it", async () => {
    const k3s = existsSync(join(root, "k3os/system/k3s/current"));
    expect((await run(["k3s", "--version"])).code).toBe(k3s ? 0 : 127);
  });
});
