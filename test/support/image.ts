import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "../../lib/tools/host/host.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { PROJECT } from "./sources.ts";

export const ARTIFACTS = join(PROJECT, "dist/artifacts");

/** Path of the ISO that the build made for this machine. */
export const ISO = join(ARTIFACTS, `k3os-${hostTarget().arch}.iso`);

/** What the ISO holds, unpacked: not every machine's kernel can mount it. */
export interface UnpackedImage extends Disposable {
  readonly scratch: string;
  /** The tree of the ISO itself. */
  readonly medium: string;
  /** A root made of the userland, as the boot makes it: links into /usr, and /etc a copy of its template. */
  readonly root: string;
  readonly usr: string;
  /** The tree of kernel.squashfs. */
  readonly kernel: string;
  /** Runs a program of the userland in its root. */
  readonly inUserland: (...argv: string[]) => ReturnType<typeof runProgram>;
}

/** Unpacks the ISO and the images in it into a temporary directory. Needs root. */
export async function unpackImage(): Promise<UnpackedImage> {
  const scratch = mkdtempSync(join(tmpdir(), "k3os-image-"));
  const medium = join(scratch, "medium");
  const root = join(scratch, "root");
  const usr = join(root, "usr");
  const kernel = join(scratch, "kernel");
  mkdirSync(root);
  await runProgram(["xorriso", "-osirrox", "on", "-indev", ISO, "-extract", "/", medium]);
  await unsquash(join(medium, "k3os/system/k3os/current/k3os.squashfs"), usr);
  await unsquash(join(medium, "k3os/system/kernel/current/kernel.squashfs"), kernel);
  for (const name of ["bin", "sbin", "lib", "lib64"]) symlinkSync(`usr/${name}`, join(root, name));
  for (const name of ["dev", "proc", "run", "tmp", "var"]) mkdirSync(join(root, name));
  await runProgram(["mknod", join(root, "dev/null"), "c", "1", "3"]);
  await runProgram(["cp", "-a", join(usr, "etc"), join(root, "etc")]);
  await runProgram(["cp", "-a", `${usr}/share/k3os/var/.`, join(root, "var")]);
  return {
    ...{ scratch, medium, root, usr, kernel },
    inUserland: (...argv) => runProgram(["chroot", root, ...argv], { check: false }),
    [Symbol.dispose]: () => rmSync(scratch, { recursive: true, force: true }),
  };
}

/** Unpacks a squashfs image into a directory that is not there yet. */
async function unsquash(image: string, directory: string): Promise<void> {
  await runProgram(["unsquashfs", "-quiet", "-no-progress", "-dest", directory, image]);
}
