import { createHash } from "node:crypto";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BuildContext } from "../../lib/make/build/context.ts";
import { cmd } from "../../lib/tools/host/cmd.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { claimedFields, listName, signatureName } from "../../lib/tools/release/release-list.ts";
import { patchName, releaseParts } from "../../lib/tools/release/release-part.ts";
import { CommandError } from "../../lib/tools/text/errors.ts";
import { serveFlaky } from "../support/flaky-server.ts";
import type { Figure } from "./figure.ts";

const { arch } = hostTarget();
const BLOCK = 1 << 16;

/** What a release changes: each part of the node, one in so many blocks of 64 KiB; 1: all, so no difference helps. */
const CASES = [
  // as two builds with other code differed: a tenth of the program, the manual in the userland
  { name: "k3os", changes: { k3os: 10, "k3os.squashfs": 200 }, command: "upgrade-rootfs" },
  // the name of the release is in both
  { name: "k3s", changes: { k3os: 1000, "k3os.squashfs": 1000, k3s: 1 }, command: "upgrade-rootfs" },
  { name: "the kernel", changes: { initrd: 1, "kernel.squashfs": 1 }, command: "upgrade-kernel" },
] as const;

/** Bytes that a server sends for upgrades that change one component, beside the tarball that was fetched for each before. */
export async function benchUpgradeBytes({ artifacts, host }: BuildContext): Promise<Figure[]> {
  const scratch = mkdtempSync(join(tmpdir(), "k3os-bench-"));
  const tarball = readFileSync(join(artifacts, `k3os-rootfs-${arch}.tar.gz`)).length;
  const { k3s } = claimedFields(readFileSync(join(artifacts, signatureName(arch)), "utf8"), arch);
  const figures: Figure[] = [];
  try {
    for (const { name, changes, command } of CASES) {
      const directory = join(scratch, "release");
      const system = join(scratch, "system");
      mkdirSync(directory);
      for (const file of readdirSync(artifacts)) symlinkSync(join(artifacts, file), join(directory, file));
      const listed: string[] = [];
      for (const component of ["k3os", "k3s", "kernel"] as const) {
        const version = component === "k3s" ? (k3s?.version ?? "v0.0.0+k3s0") : "0.0.1";
        const isChanged = releaseParts(component, arch).some(({ file }) => file in changes);
        const there = join(system, component, isChanged ? "0.0.1" : version);
        mkdirSync(there, { recursive: true });
        symlinkSync(isChanged ? "0.0.1" : version, join(system, component, "current"));
        for (const { name: part, file } of releaseParts(component, arch)) {
          const source = join(artifacts, part);
          const every = (changes as Readonly<Record<string, number>>)[file];
          if (every === undefined) copyFileSync(source, join(there, file));
          else
            listed.push(...(await writeOlder(source, join(there, file), { part, every, directory }, host)));
        }
      }
      const list = join(directory, listName(arch));
      const text = readFileSync(list, "utf8");
      rmSync(list);
      writeFileSync(list, text + listed.join(""));
      await using server = await serveFlaky(directory);
      const program = join(artifacts, `k3os-${arch}`);
      const options = cmd`--system ${system} --lock-file ${join(scratch, "lock")} --insecure-skip-verify`;
      const { code, stderr } = await host.run(cmd`${program} ${command} ${options}`, {
        env: { K3OS_RELEASE_URL: server.origin },
        check: false,
      });
      if (code !== 0) throw new CommandError(`The upgrade ended with status ${code}: ${stderr}`);
      const bytes = [...server.sent.values()].reduce((sum, count) => sum + count, 0);
      const megabytes = (tarball / 1e6).toFixed(1);
      const detail = `sent by a server on this machine; the tarball has ${megabytes} MB`;
      figures.push({
        name: `upgrade of only ${name}, download`,
        value: bytes / 1e6,
        unit: "MB",
        aim: undefined,
        detail,
      });
      for (const path of [directory, system]) rmSync(path, { recursive: true });
    }
    return figures;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Writes an older version of a file, and its difference to the release. Returns the line of the list for that. */
async function writeOlder(
  source: string,
  to: string,
  { part, every, directory }: { readonly part: string; readonly every: number; readonly directory: string },
  host: Pick<BuildContext["host"], "run">,
): Promise<readonly string[]> {
  const content = readFileSync(source);
  for (let at = 0; at < content.length; at += BLOCK * every)
    content.fill(0x5a, at, Math.min(at + BLOCK, content.length));
  writeFileSync(to, content);
  if (every === 1) return [];
  const name = patchName(part, createHash("sha256").update(content).digest("hex"));
  const path = join(directory, name);
  await host.run(cmd`zstd --quiet --force -12 --long=28 --threads=2 --patch-from=${to} ${source} -o ${path}`);
  return [`${createHash("sha256").update(readFileSync(path)).digest("hex")}  ${name}\n`];
}
