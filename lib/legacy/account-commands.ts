import type { Values } from "../tools/cli/cli.ts";
import { UsageError } from "../tools/text/errors.ts";

/** Options of BusyBox's `adduser`, and their long names in Debian's. */
export const ADDUSER_OPTIONS = {
  home: { type: "string", short: "h", value: "DIR", help: "home directory" },
  gecos: { type: "string", short: "g", value: "TEXT", help: "comment" },
  shell: { type: "string", short: "s", value: "FILE", help: "login shell" },
  ingroup: { type: "string", short: "G", value: "GROUP", help: "primary group" },
  system: { type: "boolean", short: "S", help: "make a system user" },
  "disabled-password": { type: "boolean", short: "D", help: "set no password" },
  "no-create-home": { type: "boolean", short: "H", help: "make no home directory" },
  uid: { type: "string", short: "u", value: "UID", help: "user id" },
  skel: { type: "string", short: "k", value: "DIR", help: "skeleton of the home directory" },
} as const;

export const ADDGROUP_OPTIONS = {
  gid: { type: "string", short: "g", value: "GID", help: "group id" },
  system: { type: "boolean", short: "S", help: "make a system group" },
} as const;

export const DELUSER_OPTIONS = {
  "remove-home": { type: "boolean", help: "remove the home directory, too" },
} as const;

/**
 * The equivalent of BusyBox's `adduser`, as programs to run one after the other; the last one may prompt for a
 * password.
 */
export function adduserPrograms(
  values: Values<typeof ADDUSER_OPTIONS>,
  positionals: readonly string[],
): string[][] {
  const [user, group] = names(positionals, "USER [GROUP]");
  if (group !== undefined) return [joinGroup(user, group)];
  const { system, ingroup } = values;
  const own = ingroup === undefined ? (system ? ["--gid", "nogroup"] : ["--user-group"]) : ["--gid", ingroup];
  const create = values["no-create-home"] ? "--no-create-home" : "--create-home";
  const shell = values.shell ?? (system ? "/usr/sbin/nologin" : "/bin/bash");
  const useradd = [
    ...["useradd", create, ...own, "--shell", shell],
    ...option("--home-dir", values.home),
    ...option("--comment", values.gecos),
    ...option("--uid", values.uid),
    ...option("--skel", values.skel),
    ...(system ? ["--system"] : []),
    user,
  ];
  return values["disabled-password"] || system ? [useradd] : [useradd, ["passwd", user]];
}

/** The equivalent of BusyBox's `addgroup`. */
export function addgroupPrograms(
  values: Values<typeof ADDGROUP_OPTIONS>,
  positionals: readonly string[],
): string[][] {
  const [first, second] = names(positionals, "[USER] GROUP");
  if (second !== undefined) return [joinGroup(first, second)];
  return [["groupadd", ...option("--gid", values.gid), ...(values.system ? ["--system"] : []), first]];
}

/** The equivalent of BusyBox's `deluser`. */
export function deluserPrograms(
  values: Values<typeof DELUSER_OPTIONS>,
  positionals: readonly string[],
): string[][] {
  const [user, group] = names(positionals, "USER [GROUP]");
  if (group !== undefined) return [leaveGroup(user, group)];
  return [["userdel", ...(values["remove-home"] ? ["--remove"] : []), user]];
}

/** The equivalent of BusyBox's `delgroup`. */
export function delgroupPrograms(positionals: readonly string[]): string[][] {
  const [first, second] = names(positionals, "[USER] GROUP");
  return second === undefined ? [["groupdel", first]] : [leaveGroup(first, second)];
}

function joinGroup(user: string, group: string): string[] {
  return ["usermod", "--append", "--groups", group, user];
}

function leaveGroup(user: string, group: string): string[] {
  return ["gpasswd", "--delete", user, group];
}

function names(positionals: readonly string[], expected: string): [string, string | undefined] {
  const [first, second] = positionals;
  if (first === undefined) throw new UsageError(`Missing argument: expected ${expected}`);
  return [first, second];
}

function option(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [name, value];
}
