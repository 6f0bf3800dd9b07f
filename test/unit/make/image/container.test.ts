import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { BuildContext } from "../../../../lib/make/build/context.ts";
import { runStep } from "../../../../lib/make/build/run-step.ts";
import { buildContainer, IMAGE_NAME, imageTag } from "../../../../lib/make/image/container.ts";
import { compressFiles } from "../../../../lib/make/image/gzip-file.ts";
import { buildTarball } from "../../../../lib/make/image/overlay-tarball.ts";
import { systemParts } from "../../../../lib/make/image/system-tree.ts";
import { runProgram, systemHost } from "../../../../lib/tools/host/host.ts";
import { type Arch, targetOf } from "../../../../lib/tools/host/targets.ts";
import { type TestHost, testHost } from "../../../support/host.ts";
import { measured, type OciImage, unpackOci } from "../../../support/oci.ts";
import { PROJECT } from "../../../support/sources.ts";

const SBIN = ["crictl", "ctr", "init", "k3os", "k3s", "kubectl"];

/** A small system, for a machine with its own kernel, with a version that is no tag. */
const VERSION = "v1.0.0-rc.1+test";
const FILES = {
  "/k3os": "program".repeat(1000),
  "/k3os.squashfs": `${"programs".repeat(1024)}${"v1.0.0".padEnd(4096)}${"more".repeat(1024)}`,
  "/base": `${"programs".repeat(1024)}${"".padEnd(4096)}${"more".repeat(1024)}`,
  "/k3s": "k3s",
};
const NEXT_FILES = {
  ...FILES,
  "/k3os": "another program".repeat(1000),
  "/k3os.squashfs": FILES["/k3os.squashfs"].replace("v1.0.0", "v1.0.1"),
};

type Context = Pick<BuildContext, "make" | "version" | "sourceDateEpoch">;

function contextIn(host: TestHost, name: string): Context {
  const cache = join(host.root, name);
  mkdirSync(cache);
  const environment = { host: systemHost({ log: host.log }), project: PROJECT, cache, sharedCache: cache };
  return {
    make: (step, work) => runStep(step, work, environment),
    version: VERSION,
    sourceDateEpoch: 1_767_225_600,
  };
}

async function build(arch: Arch, host: TestHost, context: Context) {
  const file = (name: string) => ({ path: join(host.root, name), digest: name });
  const parts = systemParts({
    version: context.version,
    executable: file("k3os"),
    rootSquashfs: file("k3os.squashfs"),
    k3s: { version: "v1.36.3+k3s1", executable: file("k3s") },
  });
  const target = targetOf(arch);
  const compressed = await compressFiles(target, parts, context);
  const bases = { "k3os.squashfs": file("base") };
  return {
    tarball: await buildTarball(target, { parts, compressed }, context),
    image: await buildContainer(target, { parts, compressed, bases }, context),
  };
}

async function list(tar: string): Promise<string[]> {
  return (await runProgram(["tar", "-tf", tar])).stdout.trim().split("\n");
}

let host: TestHost;
let built: Awaited<ReturnType<typeof build>>;
let image: OciImage;

beforeAll(async () => {
  host = testHost({ files: FILES });
  built = await build("arm", host, contextIn(host, "cache"));
  image = await unpackOci(built.image, join(host.root, "image"));
});

afterAll(() => host[Symbol.dispose]());

describe("buildContainer()", () => {
  test("makes a layout whose digests and sizes are right", async () => {
    expect(image.layout).toEqual({ imageLayoutVersion: "1.0.0" });
    for (const blob of image.blobs) expect(blob).toMatchObject(await measured(image.path(blob)));
    const plain = image.layers.map((layer) =>
      createHash("sha256")
        .update(gunzipSync(readFileSync(layer)))
        .digest("hex"),
    );
    expect(image.config.rootfs).toEqual({
      type: "layers",
      diff_ids: plain.map((digest) => `sha256:${digest}`),
    });
  });

  test("has a layer for each part that changes by itself, the one that changes least first", async () => {
    const system = ["k3os/", "k3os/system/"];
    const ours = `k3os/system/k3os/${VERSION}/`;
    expect(await Promise.all(image.layers.map(list))).toEqual([
      ["k3os/", "k3os/base/", "k3os/base/k3os.squashfs"],
      [...system, "k3os/system/k3s/", "k3os/system/k3s/current"].concat(
        ["/", "/k3s"].map((name) => `k3os/system/k3s/v1.36.3+k3s1${name}`),
      ),
      [...system, "k3os/system/k3os/", "k3os/system/k3os/current", ours].concat(
        ["k3os", "k3os.squashfs.delta", "k3os.squashfs.delta-data"].map((name) => ours + name),
      ),
    ]);
    expect(image.config.history.map(({ created_by }) => created_by)).toEqual([
      ...["k3os userland", "k3os k3s", "k3os k3os"],
    ]);
  });

  test("gives the next release the same layers, except for the one of k3os", async () => {
    using next = testHost({ files: NEXT_FILES });
    const context = { ...contextIn(next, "cache"), version: "v1.0.1" };
    const other = await unpackOci((await build("arm", next, context)).image, join(next.root, "image"));
    const digests = (of: OciImage) => of.manifest.layers.map(({ digest }) => digest);
    expect(digests(other).slice(0, -1)).toEqual(digests(image).slice(0, -1));
    expect(digests(other).at(-1)).not.toBe(digests(image).at(-1));
  });

  test("says what it is for, and how it is run", () => {
    const platform = { architecture: "arm", os: "linux", variant: "v7" };
    expect(image.index.manifests[0].platform).toEqual(platform);
    expect(image.config).toMatchObject({ ...platform, created: "2026-01-01T00:00:00Z" });
    expect(image.config.config).toEqual({
      Env: [
        "PATH=/k3os/system/k3os/current:/k3os/system/k3s/current:" +
          "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      ],
      Entrypoint: ["k3os"],
      Cmd: ["help"],
      Labels: {
        "org.opencontainers.image.version": VERSION,
        "org.opencontainers.image.source": "https://github.com/k3os/k3os",
        "org.opencontainers.image.title": "k3OS",
      },
    });
  });

  test("has one name for all that read it, which is a valid one", () => {
    const tag = "v1.0.0-rc.1-test";
    expect(image.index.manifests[0].annotations).toEqual({
      "io.containerd.image.name": `ghcr.io/k3os/k3os:${tag}`,
      "org.opencontainers.image.ref.name": tag,
    });
    expect(image.docker).toEqual([
      {
        Config: `blobs/${image.manifest.config.digest.replace(":", "/")}`,
        RepoTags: [`ghcr.io/k3os/k3os:${tag}`],
        Layers: image.manifest.layers.map(({ digest }) => `blobs/${digest.replace(":", "/")}`),
      },
    ]);
  });

  test("is named after the repository of package.json", () => {
    const { repository } = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8"));
    expect(`ghcr.io/${repository.replace("github:", "")}`).toBe(IMAGE_NAME);
    expect(imageTag("v0.30.0")).toBe("v0.30.0");
  });
});

test.each([
  ["GNU tar", ["tar", "-xzf"]],
  ["busybox", ["busybox", "tar", "-xzf"]],
])("what buildTarball() makes leaves a root its /sbin, a directory or a link, with %s", async (_, argv) => {
  const root = mkdtempSync(join(tmpdir(), "k3os-root-"));
  for (const name of ["merged/usr/sbin", "apart/sbin"]) {
    mkdirSync(join(root, name), { recursive: true });
    writeFileSync(join(root, name, "agetty"), "");
  }
  symlinkSync("usr/sbin", join(root, "merged/sbin"));
  for (const name of ["merged", "apart"]) {
    await runProgram([...argv, built.tarball, "--strip-components=1", "-C", join(root, name)]);
    expect(readdirSync(join(root, name, "sbin")).sort()).toEqual(["agetty", ...SBIN]);
  }
  expect(readlinkSync(join(root, "merged/sbin"))).toBe("usr/sbin");
  rmSync(root, { recursive: true });
});

test("buildTarball() puts the system below the version, and the links of a foreign root", async () => {
  const paths = await list(built.tarball);
  expect(paths.filter((path) => path.startsWith(`${VERSION}/k3os`))).toEqual(
    [
      ...["k3os/", "k3os/system/", "k3os/system/k3os/", "k3os/system/k3os/current"],
      ...["/", "/k3os", "/k3os.squashfs"].map((name) => `k3os/system/k3os/${VERSION}${name}`),
      ...["k3os/system/k3s/", "k3os/system/k3s/current"],
      ...["/", "/k3s"].map((name) => `k3os/system/k3s/v1.36.3+k3s1${name}`),
    ].map((path) => `${VERSION}/${path}`),
  );
  expect(paths[0]).toBe(`${VERSION}/`);
  expect(paths).toContain(`${VERSION}/sbin/init`);
  const content = await runProgram([
    "tar",
    "-xOzf",
    built.tarball,
    `${VERSION}/k3os/system/k3os/${VERSION}/k3os`,
  ]);
  expect(content.stdout).toBe(FILES["/k3os"]);
});

test("builds of the same files give the same bytes", async () => {
  const again = await build("arm", host, contextIn(host, "other-cache"));
  expect(await measured(again.image)).toEqual(await measured(built.image));
  expect(await measured(again.tarball)).toEqual(await measured(built.tarball));
});
