import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  readdirSync,
  type Stats,
  statfsSync,
  statSync,
} from "node:fs";
import { basename, join } from "node:path";
import { devicesByLabel } from "../../tools/disk/blkid.ts";
import { MENU_MODULES } from "../../tools/disk/grub.ts";
import { GRUB_DIRECTORIES } from "../../tools/disk/grubenv.ts";
import type { BlockDevice } from "../../tools/disk/lsblk.ts";
import { readTakeoverRecord, TAKEOVER, type TakeoverRecord } from "../../tools/disk/takeover-record.ts";
import { readIfThere } from "../../tools/fs/read-bounded.ts";
import type { Host } from "../../tools/host/host.ts";
import { inRoot, LABEL } from "../../tools/host/paths.ts";
import type { Target } from "../../tools/host/targets.ts";
import { inspectState, type StateFacts } from "../state-facts.ts";

/** The boot loader of the running system. */
export interface GrubFacts {
  /** `/boot/grub`, or `/boot/grub2` on Fedora and openSUSE. */
  readonly directory: string;
  /** Its menu is a plain file, which a rename can replace. */
  readonly plainMenu: boolean;
  /** GRUB's environment block is a plain file, or can be created. */
  readonly plainEnvironment: boolean;
  readonly hasEnvironment: boolean;
  /** `i386-pc`, `x86_64-efi`, `arm64-efi`: by the firmware of this boot. */
  readonly platform: string;
  /** From GRUB's own files, `2.12-9`; undefined if they do not contain it. */
  readonly version: string | undefined;
  /** Modules that our menu needs and that are missing beside GRUB's others. */
  readonly missingModules: readonly string[];
}

/** The system to replace. */
export interface TakeoverFacts {
  /** The file system of "/". */
  readonly state: StateFacts | undefined;
  readonly writable: boolean;
  /** Bytes that root may still write. */
  readonly free: number;
  /** Directories that must be on the same file system, but are not. */
  readonly apart: readonly string[];
  readonly grub: GrubFacts | undefined;
  /** The record of an earlier, unfinished takeover. */
  readonly record: TakeoverRecord | undefined;
  /** A `/k3os` exists that no takeover has made. */
  readonly foreignTree: boolean;
  /** Other file systems with the label of k3OS. */
  readonly otherStates: readonly string[];
}

/** Gathers the facts about the running system for a takeover. It only reads. */
export async function gatherTakeoverFacts(
  root: BlockDevice | undefined,
  machine: { readonly target: Target; readonly efiFirmware: boolean },
  host: Pick<Host, "root" | "run">,
): Promise<TakeoverFacts> {
  const at = (path: string) => inRoot(host, path);
  const { dev } = statSync(at("/"));
  const space = statfsSync(at("/"));
  const record = readTakeoverRecord(host.root);
  const labelled = await devicesByLabel(LABEL.state, host);
  return {
    state: root === undefined ? undefined : await inspectState(root.path, host),
    writable: isWritable(at("/")),
    free: space.bavail * space.bsize,
    apart: ["/boot", "/k3os", ...GRUB_DIRECTORIES].filter(
      (path) => existsSync(at(path)) && statSync(at(path)).dev !== dev,
    ),
    grub: grubFacts(machine, host),
    record,
    foreignTree: record === undefined && holdsOthers(at("/k3os")),
    otherStates: labelled.filter((path) => path !== root?.path),
  };
}

/** Whether there is more than a power cut leaves at the beginning of a takeover, or near the end of its undoing. */
function holdsOthers(tree: string): boolean {
  if (!existsSync(tree)) return false;
  return readdirSync(tree).some((name) => name !== basename(TAKEOVER.directory));
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false; // EROFS, for root
  }
}

function grubFacts(
  { target, efiFirmware }: { readonly target: Target; readonly efiFirmware: boolean },
  host: Pick<Host, "root">,
): GrubFacts | undefined {
  const file = (path: string): Stats | undefined => lstatSync(inRoot(host, path), { throwIfNoEntry: false });
  const directory = GRUB_DIRECTORIES.find((path) => file(join(path, "grub.cfg")) !== undefined);
  const platform = target.grub.find((name) => name.endsWith("-efi") === efiFirmware);
  if (directory === undefined || platform === undefined) return undefined;
  const environment = file(join(directory, "grubenv"));
  const modules = join(directory, platform);
  return {
    directory,
    plainMenu: file(join(directory, "grub.cfg"))?.isFile() ?? false,
    plainEnvironment: environment === undefined || (environment.isFile() && environment.size === 1024),
    hasEnvironment: environment !== undefined,
    platform,
    version: grubVersion(inRoot(host, join(modules, "normal.mod"))),
    missingModules: MENU_MODULES.filter((name) => file(join(modules, `${name}.mod`)) === undefined),
  };
}

/** GRUB's module for the menu's title contains the version after the text `GNU GRUB  version %s`. */
export function grubVersion(path: string): string | undefined {
  return /\0(2\.\d\d[\w.~+-]*)\0/.exec(readIfThere(path)?.toString("latin1") ?? "")?.[1];
}
