import { expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StepRunner } from "../../../../lib/make/build/build-step.ts";
import { packFiles } from "../../../../lib/make/image/packed-files.ts";
import { runProgram } from "../../../../lib/tools/host/host.ts";
import { testHost } from "../../../support/host.ts";

const PROGRAM = randomBytes(30_000).toString("hex");
const USERLAND = randomBytes(100_000);

/** Packs what is in a directory of artifacts, whose earlier releases are given by name. */
async function pack(
  files: Record<string, string | Uint8Array>,
  earlier: Record<string, string | Uint8Array>[],
) {
  using host = testHost();
  const write = (directory: string, content: Record<string, string | Uint8Array>) => {
    mkdirSync(join(host.root, directory));
    for (const [name, bytes] of Object.entries(content))
      writeFileSync(join(host.root, directory, name), bytes);
    return join(host.root, directory);
  };
  const artifacts = write("artifacts", files);
  const directories = earlier.map((content, i) => write(`earlier-${i}`, content));
  const make: StepRunner = async (step, { input }) => {
    const into = mkdtempSync(join(host.root, "step-"));
    await step.make(input, into, { host: { ...host, run: runProgram }, source: (path) => path });
    return { path: into, digest: "" };
  };
  const names = await packFiles({ arch: "amd64" }, { earlier: directories }, { artifacts, make });
  const sizes = new Map(names.map((name) => [name, readFileSync(join(artifacts, name)).length]));
  return { names, sizes, left: readdirSync(artifacts).sort() };
}

const nameOf = (name: string, old: string | Uint8Array) =>
  `${name}.from-${createHash("sha256").update(old).digest("hex").slice(0, 16)}.zst`;

test("packFiles() compresses the executable if that saves half", async () => {
  const half = await pack(
    { "k3os-amd64": Buffer.alloc(10_000), "k3os-userland-amd64.squashfs": Buffer.alloc(10_000) },
    [],
  );
  expect(half.names).toEqual(["k3os-amd64.zst"]);
  const random = await pack({ "k3os-amd64": randomBytes(10_000), "k3os-amd64.zst": "of the last build" }, []);
  expect([random.names, random.left]).toEqual([[], ["k3os-amd64"]]);
});

test("packFiles() makes the difference from files of earlier releases, if that saves half", async () => {
  const old = Buffer.concat([USERLAND, randomBytes(100)]);
  const files = {
    "k3os-amd64": PROGRAM,
    "k3os-userland-amd64.squashfs": USERLAND,
    "k3s-amd64": randomBytes(50_000),
  };
  const { names, sizes } = await pack(files, [
    { "k3os-amd64": `${PROGRAM} old`, "k3os-userland-amd64.squashfs": old, "k3s-amd64": randomBytes(50_000) },
    { "k3os-userland-amd64.squashfs": old },
    files,
  ]);
  const [program, userland] = [
    nameOf("k3os-amd64", `${PROGRAM} old`),
    nameOf("k3os-userland-amd64.squashfs", old),
  ];
  expect(names).toContain(program);
  expect(names).toContain(userland);
  expect(names.filter((name) => name.startsWith("k3s"))).toEqual([]);
  expect(sizes.get(userland)).toBeLessThan(1000);
});
