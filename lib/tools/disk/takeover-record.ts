import { existsSync } from "node:fs";
import { join } from "node:path";
import { isFields, readRecord } from "../fs/record.ts";
import type { Host } from "../host/host.ts";
import type { PowerChange } from "../host/power.ts";
import { CommandError, messageOf } from "../text/errors.ts";
import { GRUB_DIRECTORIES, setVariable } from "./grubenv.ts";

/**
 * What a takeover leaves on the file system of the system that it replaces, from the installation until the first boot
 * has deleted that system. Installer, boot and undo share it; paths are below the root of that file system.
 */
export const TAKEOVER = {
  directory: "/k3os/takeover",
  record: "/k3os/takeover/record.json",
  /** Checksums of the new system as sha256sum(1) writes them, names relative to the root. */
  checksums: "/k3os/takeover/sha256sums",
  /** The boot menu for afterwards. */
  newMenu: "/k3os/takeover/grub.cfg",
  /** The boot menu of the takeover itself, before it is in use and after. */
  menu: "/k3os/takeover/grub.cfg.takeover",
  /** The boot menu of the old system: the same file, under a second name. */
  oldMenu: "/k3os/takeover/grub.cfg.old",
  /** Made by the first boot when the new system is found whole: from then on there is no way back. */
  verified: "/k3os/takeover/verified",
  /** The old system's message of the day, when a first boot has added to it. */
  oldMotd: "/k3os/takeover/motd",
  /** Why a first boot went back to the old system. */
  failure: "/k3os/takeover/failure",
} as const;

/** The variable of GRUB's environment block that says `tried` once the menu has started the new system. */
export const TRIED = { name: "k3os_takeover", value: "tried" } as const;

/** What has to be known to finish a takeover, or to undo it. */
export interface TakeoverRecord {
  /** Of the file system. */
  readonly uuid: string;
  /** GRUB's directory: `/boot/grub` or `/boot/grub2`. */
  readonly grub: string;
  /** The environment block was made by us: undo removes it. */
  readonly madeEnvironment: boolean;
  /** What the machine does when the old system is deleted. */
  readonly afterwards: PowerChange;
}

/** The record below `root`; undefined where no takeover is prepared. Throws CommandError if it cannot be understood. */
export function readTakeoverRecord(root: string): TakeoverRecord | undefined {
  return readRecord(join(root, TAKEOVER.record), checkRecord);
}

/**
 * {@link readTakeoverRecord}, to finish a takeover or to take it back: of a record that cannot be understood, the file
 * system itself tells what is needed. Throws CommandError where it holds no directory of GRUB.
 */
export function recallTakeoverRecord(root: string, host: Pick<Host, "log">): TakeoverRecord | undefined {
  try {
    return readTakeoverRecord(root);
  } catch (error) {
    const grub = GRUB_DIRECTORIES.find((path) => existsSync(join(root, path, "grub.cfg")));
    if (grub === undefined) throw error;
    host.log.warn(`${messageOf(error)}: using "${grub}" instead`);
    return { uuid: "", grub, madeEnvironment: false, afterwards: "restart" };
  }
}

/** Takes our variable out of GRUB's environment block. Where that is damaged, there is none that GRUB could read. */
export function forgetTry(environment: string, host: Pick<Host, "log">): void {
  if (!existsSync(environment)) return;
  try {
    setVariable(environment, TRIED.name, undefined);
  } catch (error) {
    host.log.warn(messageOf(error));
  }
}

function checkRecord(value: unknown): TakeoverRecord {
  const { uuid, grub: path, madeEnvironment, afterwards } = isFields(value) ? value : {};
  const grub = GRUB_DIRECTORIES.find((known) => known === path);
  if (
    typeof uuid === "string" &&
    grub !== undefined &&
    typeof madeEnvironment === "boolean" &&
    (afterwards === "restart" || afterwards === "power-off")
  ) {
    return { uuid, grub, madeEnvironment, afterwards };
  }
  throw new CommandError("it holds something else");
}
