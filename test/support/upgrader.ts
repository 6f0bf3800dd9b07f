import { expect } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import {
  lstatSync,
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
import { dirname, join } from "node:path";
import { type RunResult, runProgram } from "../../lib/tools/host/host.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { encodePublicKey } from "../../lib/tools/release/signature-keys.ts";
import { ARTIFACTS } from "./image.ts";
import { k3sProgram } from "./k3s-program.ts";
import { makeSecretKey, type SecretKey } from "./minisign.ts";
import { signedList } from "./release.ts";
import { ELF_START, releaseEntries, tarball } from "./tarball.ts";

const { arch } = hostTarget();

/** The executable that the build made for this machine. */
export const EXECUTABLE = join(ARTIFACTS, `k3os-${arch}`);
export const KERNEL = "6.12.118+deb13-amd64";

/** The k3s of a release that names no other. */
export const K3S = "v1.31.0+k3s1";

/** The versions that {@link createUpgrader} has to begin with. */
export const OLD = { k3os: "v0.30.0", k3s: "v1.30.0+k3s1", kernel: "6.12.57+deb13-amd64" } as const;

/** A system in a temporary directory, a directory of releases, and the executable to upgrade the one by the other. */
export interface Upgrader extends Disposable {
  readonly system: string;
  /** A plain mirror: a directory for each version. */
  readonly releases: string;
  readonly secret: SecretKey;
  /** The arguments that every call needs. */
  readonly options: readonly string[];
  /** Adds a release; `changed` are files that are not what was signed. */
  release(version: string, more?: ReleaseOptions): Promise<string>;
  /** Runs `k3os COMMAND`, from the mirror unless the environment says otherwise. */
  run(argv: readonly string[], env?: Readonly<Record<string, string>>): Promise<RunResult>;
  start(argv: readonly string[], env?: Readonly<Record<string, string>>): ChildProcess;
  /** All names of the system, links with their targets, files with their content if that is short. */
  look(): string[];
}

export interface ReleaseOptions {
  /** The beginning of every file's content. */
  readonly content?: string;
  readonly k3s?: string;
  /** The version of k3s that its signature declares; default: none. */
  readonly declared?: string;
  /** In place of a program that prints this version. */
  readonly k3sProgram?: string | Uint8Array;
  /** The version that it is signed for. */
  readonly signedAs?: string;
  readonly secret?: SecretKey;
  /** When it is signed, in seconds since the epoch; default: now. */
  readonly timestamp?: number;
  /** When it expires; default: never. */
  readonly expires?: number;
  readonly kernel?: string;
  /** Files that are not what was signed. */
  readonly changed?: Readonly<Record<string, string | Uint8Array>>;
  /** In place of the tarball. */
  readonly archive?: Uint8Array;
  /** Every file of k3OS and k3s by itself, in place of the tarball; declares its k3s. */
  readonly parts?: boolean;
  /** Further files. */
  readonly more?: Readonly<Record<string, string | Uint8Array>>;
}

export function createUpgrader(): Upgrader {
  const scratch = mkdtempSync(join(tmpdir(), "k3os-upgrade-"));
  const [system, releases] = [join(scratch, "k3os/system"), join(scratch, "releases")];
  mkdirSync(releases);
  for (const [component, version] of Object.entries(OLD)) {
    mkdirSync(join(system, component, version), { recursive: true });
    writeFileSync(join(system, component, version, component), "old");
    symlinkSync(version, join(system, component, "current"));
  }
  const secret = makeSecretKey();
  const key = ["--key", encodePublicKey(secret.publicKey)];
  const options = ["--system", system, "--lock-file", join(scratch, "run/upgrade.lock"), ...key];
  const base = { K3OS_RELEASE_URL: releases };
  return {
    system,
    releases,
    secret,
    options,
    release: async (version, more = {}) => {
      const directory = join(releases, version);
      const files = await releaseFiles(version, more);
      const { timestamp = Math.floor(Date.now() / 1000) } = more;
      const signing = {
        secret: more.secret ?? secret,
        version: more.signedAs ?? version,
        timestamp,
        expires: more.expires,
        k3s: more.declared ?? (more.parts ? (more.k3s ?? K3S) : undefined),
      };
      const all = { ...files, ...signedList(files, signing), ...more.changed };
      for (const [name, content] of Object.entries(all)) {
        mkdirSync(dirname(join(directory, name)), { recursive: true });
        writeFileSync(join(directory, name), content);
      }
      return directory;
    },
    run: ([command = "", ...argv], env) =>
      runProgram([EXECUTABLE, command, ...options, ...argv], { env: { ...base, ...env }, check: false }),
    start: ([command = "", ...argv], env) =>
      spawn(EXECUTABLE, [command, ...options, ...argv], {
        env: { ...process.env, ...base, ...env },
        stdio: "ignore",
      }),
    look: () => look(system),
    [Symbol.dispose]: () => rmSync(scratch, { recursive: true, force: true }),
  };
}

/** The k3s of a release: a program that prints its version, and what other files begin with behind it. */
export function k3sOf(version: string, content: string): Buffer {
  return Buffer.concat([k3sProgram(version), Buffer.from(`${content} of k3s`)]);
}

async function releaseFiles(
  version: string,
  {
    content = version,
    k3s = K3S,
    kernel = KERNEL,
    archive,
    k3sProgram: program = k3sOf(k3s, content),
    parts = false,
    more = {},
  }: ReleaseOptions,
): Promise<Record<string, string | Uint8Array>> {
  const rootfs: Record<string, string | Uint8Array> = parts
    ? {
        [`k3os-${arch}`]: `${ELF_START}${content} of k3os`,
        [`k3os-userland-${arch}.squashfs`]: `${content} of k3os.squashfs`,
        [`k3s-${arch}`]: program,
      }
    : {
        [`k3os-rootfs-${arch}.tar.gz`]:
          archive ?? (await tarball(releaseEntries(version, { content, k3s, program }))),
      };
  return {
    ...rootfs,
    ...more,
    [`k3os-kernel-version-${arch}`]: `${kernel}\n`,
    [`k3os-initrd-${arch}`]: `${content} of initrd`,
    [`k3os-kernel-${arch}.squashfs`]: `${content} of kernel.squashfs`,
  };
}

function look(directory: string, below = ""): string[] {
  return readdirSync(join(directory, below))
    .sort()
    .flatMap((entry) => {
      const name = join(below, entry);
      const path = join(directory, name);
      const found = lstatSync(path);
      if (found.isSymbolicLink()) return [`${name} -> ${readlinkSync(path)}`];
      if (found.isDirectory()) return [name, ...look(directory, name)];
      return [found.size < 100 ? `${name}: ${readFileSync(path, "utf8")}` : name];
    });
}

/** What went wrong, after which the system must be what it was before. */
export async function refusal(
  upgrader: Upgrader,
  call: () => Promise<Pick<RunResult, "code" | "stderr">>,
): Promise<string> {
  const before = upgrader.look();
  const { code, stderr } = await call();
  expect(code).toBe(1);
  expect(upgrader.look()).toEqual(before);
  return stderr;
}
