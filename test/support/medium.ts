import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { hostTarget } from "../../lib/tools/host/targets.ts";

export interface MediumOptions {
  /** Files besides or instead of the usual ones, by path on the medium; undefined leaves one out. */
  readonly files?: Readonly<Record<string, string | Uint8Array | undefined>>;
  readonly links?: Readonly<Record<string, string>>;
}

/** Makes the tree of an installation medium below `root`, small, with a program that only has the right header. */
export function makeMedium(root: string, options: MediumOptions = {}): void {
  const files: MediumOptions["files"] = {
    "k3os/system/config.yaml": "# nothing here\n",
    "k3os/system/k3os/v1.2.3/k3os": executable(),
    "k3os/system/k3os/v1.2.3/k3os.squashfs": "squashfs of the userland\n".repeat(100_000),
    "k3os/system/k3s/v1.30.0+k3s1/k3s": executable(),
    "k3os/system/kernel/6.12.1/kernel.squashfs": "squashfs of the kernel\n",
    "k3os/system/kernel/6.12.1/initrd": "initrd\n",
    ...options.files,
  };
  const links = {
    "k3os/system/k3os/current": "v1.2.3",
    "k3os/system/k3s/current": "v1.30.0+k3s1",
    "k3os/system/kernel/current": "6.12.1",
    ...options.links,
  };
  for (const [path, content] of Object.entries(files)) {
    if (content === undefined) continue;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content, { mode: /\/k3o?s$/.test(path) ? 0o755 : 0o644 });
  }
  for (const [path, target] of Object.entries(links)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    symlinkSync(target, join(root, path));
  }
}

/** The first bytes of an ELF executable for the machine that runs this, or for another. */
export function executable(machine = hostTarget().elfMachine): Buffer {
  const header = Buffer.alloc(64);
  header.write("\x7fELF", "latin1");
  header.writeUInt16LE(machine, 18);
  return header;
}
