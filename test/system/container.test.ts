import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IMAGE_NAME, imageTag } from "../../lib/make/image/container.ts";
import { MIB } from "../../lib/tools/fs/size.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { runImage } from "../support/container.ts";
import { ARTIFACTS } from "../support/image.ts";
import { measured, type OciImage, unpackOci } from "../support/oci.ts";
import { shippedObjects } from "../support/plans.ts";
import { EXECUTABLE } from "../support/upgrader.ts";

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
  for (const layer of image.layers) await runProgram(["tar", "-xzf", layer, "-C", root]);
  version = readlinkSync(join(root, "k3os/system/k3os/current"));
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const run = (argv: readonly string[]) => runImage(root, image.config, argv);

describe("the image", () => {
  test("has blobs of the digests and sizes that lead to them", async () => {
    for (const blob of image.blobs) expect(blob).toMatchObject(await measured(image.path(blob)));
    for (const [at, layer] of image.layers.entries()) {
      const plain = await runProgram(["sh", "-c", 'pigz -dc "$1" | sha256sum', "sh", layer]);
      expect(image.config.rootfs.diff_ids[at]).toBe(`sha256:${plain.stdout.slice(0, 64)}`);
    }
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

  test("has a layer for each part, and no file in two of them", async () => {
    const names = image.config.history.map(({ created_by }) => created_by);
    const k3s = existsSync(join(root, "k3os/system/k3s/current"));
    expect(names).toEqual(["k3os kernel", "k3os userland", ...(k3s ? ["k3os k3s"] : []), "k3os k3os"]);
    const files = (await Promise.all(image.layers.map(listed)))
      .flat()
      .filter((line) => !line.startsWith("d"));
    expect(new Set(files).size).toBe(files.length);
    expect(readdirSync(root)).toEqual(["k3os"]);
    // a release of the same kernel, userland and k3s leads to this much to pull
    const own = await measured(image.layers.at(-1) ?? "");
    expect(own.size).toBeLessThan(100 * MIB);
  });

  test("brings the system of the tarball, from bases and differences", async () => {
    const copies = join(scratch, "copies");
    const unpacked = join(scratch, "unpacked");
    for (const path of [copies, unpacked])
      mkdirSync(join(path, "k3os/system/kernel/v0"), { recursive: true });
    symlinkSync("v0", join(copies, "k3os/system/kernel/current"));
    const tarball = join(ARTIFACTS, `k3os-rootfs-${arch}.tar.gz`);
    await runProgram(["tar", "-xzf", tarball, "--strip-components=1", "-C", unpacked]);
    const options = ["--rootfs", "--kernel", `--lock-file=${scratch}/lock`];
    const places = [`--source=${root}/k3os/system`, `--destination=${copies}/k3os/system`];
    await runProgram([EXECUTABLE, "upgrade", ...options, ...places]);
    for (const component of ["k3os", "kernel"]) {
      const current = readlinkSync(join(root, "k3os/system", component, "current"));
      const at = (tree: string) => join(tree, "k3os/system", component, current);
      await runProgram(["diff", "-r", at(unpacked), at(copies)]);
    }
    for (const path of [copies, unpacked]) rmSync(path, { recursive: true });
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

  test("finds the Plans' program by the image's PATH, and tells the version", async () => {
    for (const { spec } of shippedObjects("system-upgrade-plans/k3os-latest.yaml")) {
      const [program] = spec.prepare.command;
      expect(await run([program, "--version"])).toEqual({
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
