import { CommandError } from "../tools/text/errors.ts";
import type { ApplyHost } from "./applier.ts";
import { readIfExists } from "./system-files.ts";

/** The account whose password and SSH keys are configured. */
export const USER = "rancher";

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** The account of exactly this name in /etc/passwd (passwd(5)). Throws CommandError if there is none. */
export function findUser(name: string, host: Pick<ApplyHost, "root">): Account {
  const fields = findLine("/etc/passwd", name, host);
  if (fields === undefined) throw new CommandError(`Unknown user "${name}": not in /etc/passwd`);
  const [, , uid, gid, , home = "/"] = fields;
  return { name, uid: Number(uid), gid: Number(gid), home };
}

/** The account whose home directory, below /home, contains a path; undefined if there is none. */
export function ownerOfHome(path: string, host: Pick<ApplyHost, "root">): Account | undefined {
  const lines = (readIfExists("/etc/passwd", host) ?? "").split("\n").map((line) => line.split(":"));
  return lines
    .map(([name = "", , uid, gid, , home = ""]) => ({ name, uid: Number(uid), gid: Number(gid), home }))
    .find(({ home }) => /^\/home\/[^/]+$/.test(home) && path.startsWith(`${home}/`));
}

/** The ids of `USER`, `USER:GROUP` or numbers. The default group is the first of `fallback`. */
export function findOwner(
  owner: string,
  fallback: { readonly uid: number; readonly gid: number },
  host: Pick<ApplyHost, "root">,
): { uid: number; gid: number } {
  const [user = "", group = ""] = owner.split(":");
  const uid = user === "" ? fallback.uid : /^\d+$/.test(user) ? Number(user) : findUser(user, host).uid;
  const gid = group === "" ? fallback.gid : /^\d+$/.test(group) ? Number(group) : findGroup(group, host);
  return { uid, gid };
}

function findGroup(name: string, host: Pick<ApplyHost, "root">): number {
  const fields = findLine("/etc/group", name, host);
  if (fields === undefined) throw new CommandError(`Unknown group "${name}": not in /etc/group`);
  return Number(fields[2]);
}

function findLine(file: string, name: string, host: Pick<ApplyHost, "root">): string[] | undefined {
  const lines = (readIfExists(file, host) ?? "").split("\n");
  return lines.map((line) => line.split(":")).find((fields) => fields[0] === name);
}
