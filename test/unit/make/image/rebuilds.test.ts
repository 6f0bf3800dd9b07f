import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { COMMANDS } from "../../../../bin/commands.ts";
import type { StepRunner } from "../../../../lib/make/build/build-step.ts";
import { parseInstalled } from "../../../../lib/make/build/debian-versions.ts";
import { stepInputs, stepKey } from "../../../../lib/make/build/step-inputs.ts";
import { makeExecutable } from "../../../../lib/make/executable/executable.ts";
import { makeImages } from "../../../../lib/make/image/build-artifacts.ts";
import { targetOf } from "../../../../lib/tools/host/targets.ts";
import { testHost } from "../../../support/host.ts";
import { PROJECT } from "../../../support/sources.ts";

/** What the build reads of the project. */
const READ = ["bin", "commands", "lib", "overlay", "package.json", "package-lock.json", "tsconfig.json"];

/** A machine's packages; the library is one that several of them use. */
const INSTALLED = [
  ..."apt coreutils debian-archive-keyring dosfstools dpkg dpkg-dev g++ kmod make mmdebstrap mtools patch".split(
    " ",
  ),
  ..."pigz squashfs-tools tar udev util-linux xorriso xz-utils zstd libzstd1".split(" "),
];

/** What a build is of, besides what lies in the project. */
interface Build {
  readonly version: string;
  /** Content of the k3s. */
  readonly k3s: string;
  /** Versions of Debian packages, other than 1. */
  readonly debian: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
}

const FIRST: Build = { version: "v1.0.0", k3s: "k3s", debian: {}, env: {} };

const scratch = mkdtempSync(join(tmpdir(), "k3os-rebuilds-"));
const project = join(scratch, "project");
let before: ReadonlyMap<string, string>;

beforeAll(async () => {
  for (const path of READ) cpSync(join(PROJECT, path), join(project, path), { recursive: true });
  const kernelVersion = join(scratch, "kernel-amd64/tree/version");
  mkdirSync(dirname(kernelVersion), { recursive: true });
  writeFileSync(kernelVersion, "6.12.1\n");
  before = await stepKeys(FIRST);
});

afterAll(() => rmSync(scratch, { recursive: true }));

/** The keys of all steps by name. A result counts as another one whenever its step is done again. */
async function stepKeys(build: Build): Promise<ReadonlyMap<string, string>> {
  const keys = new Map<string, string>();
  const installed = parseInstalled(INSTALLED.map((name) => installedLine(name, build)).join("\n"));
  const make: StepRunner = async (step, { name, input }) => {
    const key = stepKey(stepInputs(step, input, { project, places: [project], installed, env: build.env }));
    keys.set(name, key);
    return { path: join(scratch, name), digest: key };
  };
  using host = testHost({ files: { "/k3s": build.k3s } });
  const context = { host, make, project, version: build.version, releaseKeys: [], sourceDateEpoch: 1 };
  const noOther = { cache: scratch, signedAt: 1 };
  const executable = await makeExecutable(targetOf("amd64"), { ...context, ...noOther });
  const k3s = { path: join(host.root, "k3s"), digest: build.k3s };
  const options = { executable, k3s: { version: "v1.0.0+k3s1", executable: k3s }, commands: COMMANDS };
  await makeImages(targetOf("amd64"), options, context);
  return keys;
}

function installedLine(name: string, { debian }: Build): string {
  const needs = ["squashfs-tools", "zstd"].includes(name) ? "libzstd1 (>= 1.4)" : "";
  return [name, "amd64", "installed", debian[name] ?? "1", "", needs, ""].join("\t");
}

function edit(path: string, from: string, to: string): () => void {
  const file = join(project, path);
  const text = readFileSync(file, "utf8");
  if (!text.includes(from)) throw new Error(`"${path}" does not contain "${from}"`);
  writeFileSync(file, text.replace(from, to));
  return () => writeFileSync(file, text);
}

function makeExecutableFile(path: string): () => void {
  chmodSync(join(project, path), 0o755);
  return () => chmodSync(join(project, path), 0o644);
}

/** Archives of the whole system, and the medium: whatever changes, it is in them. */
const WHOLE = ["container", "iso", "tarball"];
const deltaOf = (name: string) => [`delta-${name}`, `gzip-${name}.delta`, `gzip-${name}.delta-data`];
const INITRD = ["gzip-initrd", "initrd", ...deltaOf("initrd"), ...WHOLE];
const EXECUTABLE = ["executable", "gzip-k3os", ...INITRD];
const ROOT_IMAGE = ["gzip-k3os.squashfs", "root-image", ...deltaOf("k3os.squashfs"), ...WHOLE];
const ROOT_BASE = ["root-base", "gzip-base-k3os.squashfs", ...ROOT_IMAGE];
const INITRD_BASE = ["initrd-base", "gzip-base-initrd", ...INITRD];
const KERNEL = ["gzip-kernel.squashfs", "kernel", ...INITRD_BASE];
const ALL_BUT_BUN = [...EXECUTABLE, ...ROOT_BASE, ...KERNEL, "loader", "userland"];

interface Case {
  readonly what: string;
  /** Changes the project, and gives what takes that back. */
  readonly edit?: () => () => void;
  readonly build?: Partial<Build>;
  /** Names of the steps that are done again, without the architecture. */
  readonly again: readonly string[];
}

const CASES: readonly Case[] = [
  { what: "nothing", again: [] },
  {
    what: "an option of mmdebstrap, in the module of a step",
    edit: () => edit("lib/make/image/userland.ts", "--variant=essential", "--variant=apt"),
    again: ["userland", ...ROOT_BASE],
  },
  {
    what: "the project's address, in a module that those of steps import",
    edit: () => edit("lib/tools/host/project.ts", "https://github.com/k3os/k3os", "https://example.com/k3os"),
    again: [...EXECUTABLE, ...ROOT_IMAGE],
  },
  {
    what: "an applet, in a module that only an imported one imports",
    edit: () => edit("lib/make/image/applets.ts", "arping ash", "ash"),
    again: ROOT_BASE,
  },
  {
    what: "how packages are fetched, in a module below many steps",
    edit: () => edit("lib/make/build/required-packages.ts", "LOCK_SECONDS = 300", "LOCK_SECONDS = 299"),
    again: ALL_BUT_BUN,
  },
  {
    what: "a comment",
    edit: () => edit("lib/make/image/kernel.ts", "/**", "/** Another word."),
    again: [],
  },
  {
    what: "a type",
    edit: () =>
      edit(
        "lib/tools/host/host.ts",
        "export interface Host {",
        "export interface Host {\n  readonly more?: string;",
      ),
    again: [],
  },
  {
    what: "code of the program alone",
    edit: () => edit("lib/tools/host/paths.ts", '"/k3os/system/config.yaml"', '"/k3os/system/other.yaml"'),
    again: EXECUTABLE,
  },
  {
    what: "JSON that a module imports",
    edit: () => edit("lib/tools/release/k3s-releases.json", '"version": "v', '"version": "v9'),
    again: EXECUTABLE,
  },
  {
    what: "the list of Debian packages",
    edit: () => edit("lib/make/image/debian-packages.ts", "busybox-static", "busybox"),
    again: ["userland", ...ROOT_BASE],
  },
  {
    what: "a file of the overlay",
    edit: () => edit("overlay/etc/motd", "k3OS", "k4OS"),
    again: ROOT_BASE,
  },
  {
    what: "that a file of the overlay is a program",
    edit: () => makeExecutableFile("overlay/etc/motd"),
    again: ROOT_BASE,
  },
  {
    what: "a source in C",
    edit: () => edit("lib/make/executable/loader/fused.c", "{", "{ "),
    again: ["loader", ...EXECUTABLE],
  },
  {
    what: "an npm package that the program imports",
    edit: () =>
      edit(
        "package-lock.json",
        '"node_modules/yaml": {\n      "version": "',
        '"node_modules/yaml": {\n      "version": "9',
      ),
    again: EXECUTABLE,
  },
  {
    what: "an npm package for development",
    edit: () =>
      edit(
        "package-lock.json",
        '"node_modules/typescript": {\n      "version": "',
        '"node_modules/typescript": {\n      "version": "9',
      ),
    again: [],
  },
  { what: "a tool", build: { debian: { xorriso: "2" } }, again: ["iso"] },
  {
    what: "a library of tools",
    build: { debian: { libzstd1: "2" } },
    again: [...ROOT_BASE, ...KERNEL],
  },
  {
    what: "Debian's mirror",
    build: { env: { K3OS_DEBIAN_MIRROR: "http://mirror.example.com/debian" } },
    again: ALL_BUT_BUN,
  },
  { what: "a variable that no step looks up", build: { env: { LANG: "de_DE" } }, again: [] },
  { what: "the version", build: { version: "v1.0.1-rc.1+longer" }, again: [...EXECUTABLE, ...ROOT_IMAGE] },
  { what: "the k3s", build: { k3s: "another" }, again: ["gzip-k3s", ...WHOLE] },
];

test.each(CASES.map((row) => [row.what, row] as const))("the steps that %s changes", async (_, row) => {
  const restore = row.edit?.();
  try {
    const after = await stepKeys({ ...FIRST, ...row.build });
    const again = [...after].filter(([name, key]) => before.get(name) !== key).map(([name]) => name);
    expect(again.sort()).toEqual([...new Set(row.again)].sort().map((name) => `${name}-amd64`));
  } finally {
    restore?.();
  }
});

test("the keys are the same at another path", async () => {
  const elsewhere = join(scratch, "elsewhere");
  cpSync(project, elsewhere, { recursive: true });
  const step = {
    module: join(PROJECT, "lib/make/image/root-image.ts"),
    files: ["overlay"],
    make: async () => undefined,
  };
  const [here, there] = [project, elsewhere].map((place) => {
    return stepKey(stepInputs(step, {}, { project: place, places: [], installed: new Map(), env: {} }));
  });
  expect(there).toBe(here ?? "");
});
