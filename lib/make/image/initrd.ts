import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FILE } from "../../tools/host/paths.ts";
import type { Target } from "../../tools/host/targets.ts";
import { type Made, partOf, type Step } from "../build/build-step.ts";
import type { BuildContext } from "../build/context.ts";
import { type CpioEntry, cpioArchive, parentDirectories } from "./cpio.ts";
import { compress } from "./zstd.ts";

interface InitrdInput {
  /** The archive of programs and modules. */
  readonly base: Made;
  readonly executable: Made;
  readonly version: string;
  readonly sourceDateEpoch: number;
}

const initrdStep: Step<InitrdInput> = {
  module: import.meta.filename,
  packages: () => ["zstd"],
  make: async ({ base, executable, version, sourceDateEpoch }, into, context) => {
    const archive = cpioArchive(executableEntries(executable.path, version), sourceDateEpoch);
    const own = await compress(archive, join(into, "executable"), "-12", context);
    writeFileSync(join(into, FILE.initrd), padded(Buffer.concat([readFileSync(base.path), own])));
    rmSync(join(into, "executable"));
  },
};

/**
 * Builds an initrd. It consists of two compressed archives, which the kernel unpacks in order: programs and modules,
 * which seldom change and have a high compression level, and our executable with a fast one.
 */
export async function buildInitrd(
  { arch }: Pick<Target, "arch">,
  { base, executable }: Pick<InitrdInput, "base" | "executable">,
  { make, version, sourceDateEpoch }: Pick<BuildContext, "make" | "version" | "sourceDateEpoch">,
): Promise<Made> {
  const input = { base, executable, version, sourceDateEpoch };
  return partOf(await make(initrdStep, { name: `initrd-${arch}`, input }), FILE.initrd);
}

/**
 * Padded with zeros to whole sectors, so that another archive can be appended: the kernel requires an alignment of 4
 * bytes.
 */
function padded(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

/** The executable at its path in the original, and the link `/init` to it. */
function executableEntries(executable: string, version: string): CpioEntry[] {
  const path = `k3os/system/k3os/${version}/${FILE.executable}`;
  return [
    ...parentDirectories([path]),
    { kind: "link", path: "k3os/system/k3os/current", target: version },
    { kind: "file", path, mode: 0o755, content: readFileSync(executable) },
    { kind: "link", path: "init", target: `/k3os/system/k3os/current/${FILE.executable}` },
  ];
}
