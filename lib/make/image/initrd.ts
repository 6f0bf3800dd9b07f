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
 * Builds an initrd. It is two compressed archives one after the other, which the kernel unpacks in turn: programs and modules,
 * which seldom change and are compressed hard, and our executable, compressed fast.
 */
export async function buildInitrd(
  { arch }: Pick<Target, "arch">,
  { base, executable }: Pick<InitrdInput, "base" | "executable">,
  { make, version, sourceDateEpoch }: Pick<BuildContext, "make" | "version" | "sourceDateEpoch">,
): Promise<Made> {
  const input = { base, executable, version, sourceDateEpoch };
  return partOf(await make(initrdStep, { name: `initrd-${arch}`, input }), FILE.initrd);
}

/** Padded with zeros to whole sectors, so that another archive can be appended: the kernel wants it aligned to 4 bytes. */
function padded(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

/** The executable where the original had it, and `/init` that leads to it. */
function executableEntries(executable: string, version: string): CpioEntry[] {
  const path = `k3os/system/k3os/${version}/${FILE.executable}`;
  return [
    ...parentDirectories([path]),
    { kind: "link", path: "k3os/system/k3os/current", target: version },
    { kind: "file", path, mode: 0o755, content: readFileSync(executable) },
    { kind: "link", path: "init", target: `/k3os/system/k3os/current/${FILE.executable}` },
  ];
}
