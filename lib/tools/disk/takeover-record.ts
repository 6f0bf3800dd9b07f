import { existsSync } from "node:fs";
import { join } from "node:path";
import { isFields, readRecord } from "../fs/record.ts";
import type { Host } from "../host/host.ts";
import type { PowerChange } from "../host/power.ts";
import { CommandError, messageOf } from "../text/errors.ts";
import { GRUB_DIRECTORIES, setVariable } from "./grubenv.ts";

/**
 * The files of a takeover on the file system of the replaced system, from the installation until the first boot has
 * deleted that system. Installer, boot and undo share them; paths are below the root of that file system.
 */
export const TAKEOVER = {
  directory: "/k3os/takeover",
  record: "/k3os/takeover/record.json",
  /** Checksums of the new system as sha256sum(1) writes them, names relative to the root. */
  checksums: "/k3os/takeover/sha256sums",
  /** The boot menu after the takeover. */
  newMenu: "/k3os/takeover/grub.cfg",
  /** The boot menu of the takeover itself, before and after its use. */
  menu: "/k3os/takeover/grub.cfg.takeover",
  /** The boot menu of the old system: a second name of the same file. */
  oldMenu: "/k3os/takeover/grub.cfg.old",
  /** Created by the first boot when the new system is verified: from then on the takeover cannot be undone. */
  verified: "/k3os/takeover/verified",
  /** The old system's message of the day, if a first boot has added to it. */
  oldMotd: "/k3os/takeover/motd",
  /** Why a first boot returned to the old system. */
  failure: "/k3os/takeover/failure",
} as const;

/** The variable of GRUB's environment block that is `tried` once the menu has booted the new system. */
export const TRIED = { name: "k3os_takeover", value: "tried" } as const;

/** The data that is required to finish or undo a takeover. */
export interface TakeoverRecord {
  /** Of the file system. */
  readonly uuid: string;
  /** GRUB's directory: `/boot/grub` or `/boot/grub2`. */
  readonly grub: string;
  /** k3OS created the environment block: undo removes it. */
  readonly madeEnvironment: boolean;
  /** Whether the machine reboots or powers off after the old system is deleted. */
  readonly afterwards: PowerChange;
}

/** The record below `root`; undefined if no takeover is prepared. Throws CommandError if it is invalid. */
export function readTakeoverRecord(root: string): TakeoverRecord | undefined {
  return readRecord(join(root, TAKEOVER.record), checkRecord);
}

/**
 * {@link readTakeoverRecord}, to finish or undo a takeover: for an invalid record, the required data is read from the
 * file system itself. Throws CommandError if that has no directory of GRUB.
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

/** Removes our variable from GRUB's environment block. In a damaged block GRUB cannot read it anyway. */
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
