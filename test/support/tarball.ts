import { gzipSync } from "node:zlib";
import { packTar, type TarEntry } from "modern-tar";

/** An entry of an archive: anything that a header can say, whether it makes sense or not. */
export type Entry = TarEntry["header"] & { readonly content?: string | Uint8Array };

/** A directory. */
export function directory(name: string): Entry {
  return { name: `${name}/`, type: "directory", size: 0, mode: 0o755 };
}

/** A file. */
export function file(name: string, content: string | Uint8Array, mode = 0o644): Entry {
  return { name, type: "file", size: Buffer.byteLength(content), mode, content };
}

/** A symbolic link. */
export function link(name: string, linkname: string): Entry {
  return { name, type: "symlink", size: 0, mode: 0o777, linkname };
}

/** The bytes of a `.tar` with these entries. */
export async function tar(entries: readonly Entry[]): Promise<Uint8Array> {
  return await packTar(
    entries.map(({ content, ...header }) => ({ header, ...(content && { body: content }) })),
  );
}

/** The bytes of a `.tar.gz` with these entries. */
export async function tarball(entries: readonly Entry[]): Promise<Buffer> {
  return gzipSync(await tar(entries), { level: 1 });
}

/** What the executable in a release starts with: an ELF header for amd64 (`e_machine` 62). */
export const ELF_START = `\x7fELF\x02\x01\x01${"\0".repeat(9)}\x02\0\x3e\0`;

export interface ReleaseContent {
  /** The version of k3s. */
  readonly k3s?: string;
  /** What the files begin with. */
  readonly content?: string;
  /** In place of the file that stands for k3s. */
  readonly program?: string | Uint8Array;
}

/** What a release of k3OS holds, its files being `CONTENT of NAME`, the executable with {@link ELF_START} before it. */
export function releaseEntries(
  version: string,
  { k3s = "v1.31.0+k3s1", content = version, program = `${content} of k3s` }: ReleaseContent = {},
): Entry[] {
  const system = `${version}/k3os/system`;
  return [
    ...[version, `${version}/k3os`, system, `${system}/k3os`].map(directory),
    link(`${system}/k3os/current`, version),
    directory(`${system}/k3os/${version}`),
    file(`${system}/k3os/${version}/k3os`, `${ELF_START}${content} of k3os`, 0o755),
    file(`${system}/k3os/${version}/k3os.squashfs`, `${content} of k3os.squashfs`),
    directory(`${system}/k3s`),
    directory(`${system}/k3s/${k3s}`),
    file(`${system}/k3s/${k3s}/k3s`, program, 0o755),
    link(`${system}/k3s/current`, k3s),
    directory(`${system}/kernel`),
    directory(`${system}/kernel/6.12.1`),
    file(`${system}/kernel/6.12.1/initrd`, `${content} of initrd`),
    link(`${system}/kernel/current`, "6.12.1"),
    directory(`${version}/sbin`),
    link(`${version}/sbin/k3os`, "/k3os/system/k3os/current/k3os"),
  ];
}
