import {
  closeSync,
  constants,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  type Stats,
} from "node:fs";
import { isAbsolute } from "node:path";
import { CommandError } from "../text/errors.ts";

/** A place in a directory that stays the same until the scope ends, even if the names that led to it change. */
export interface TrustedPlace extends Disposable {
  /** The directory, by a path that only this process can use. */
  readonly directory: string;
  /** The place itself, by such a path. */
  readonly path: string;
}

export interface TrustOptions {
  /** Create missing directories, with mode 0755. */
  readonly make?: boolean;
  /** The owner of created directories; default: the current user. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Follow a link in the last component; default: the link itself is the place. */
  readonly follow?: boolean;
}

const MAX_LINKS = 40; // the kernel's limit (path_resolution(7))
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Resolves a path of a root file system like the kernel, but refuses each link that was made by, or lies in a directory
 * of, a user other than root and the current user: that user can redirect it at any time. Each directory is opened
 * relative to its parent. Links never lead out of `root`. Throws the system's error if a directory is missing, and
 * CommandError for a refused link.
 */
export function openTrusted(root: string, path: string, options: TrustOptions = {}): TrustedPlace {
  const walk = startWalk(root);
  try {
    const parts = split(path);
    let links = 0;
    for (let name = parts.shift(); name !== undefined; name = parts.shift()) {
      const isLast = parts.length === 0;
      if (isLast && name === "..") throw new CommandError(`"${path}" is the name of no file`);
      const found = lstatSync(walk.at(name), { throwIfNoEntry: false });
      const follows = found?.isSymbolicLink() && (!isLast || options.follow);
      if (found !== undefined && follows) {
        checkLink(found, walk.owner(), `${walk.shown()}/${name}`);
        if (++links > MAX_LINKS) throw new CommandError(`The links in "${path}" lead in circles`);
        const target = readlinkSync(walk.at(name));
        if (isAbsolute(target)) walk.restart();
        parts.unshift(...split(target));
        continue;
      }
      if (isLast) {
        return { directory: walk.at("."), path: walk.at(name), [Symbol.dispose]: walk.close };
      }
      if (found === undefined && name !== ".." && options.make) {
        mkdirSync(walk.at(name), { mode: 0o755 });
        if (options.owner !== undefined) lchownSync(walk.at(name), options.owner.uid, options.owner.gid);
      }
      walk.enter(name);
    }
    throw new CommandError(`"${path}" is the name of no file`);
  } catch (error) {
    walk.close();
    throw error;
  }
}

interface Step {
  readonly name: string;
  readonly fd: number;
}

/** The open directories from the root to the current position of the walk. */
function startWalk(root: string) {
  const steps: Step[] = [{ name: "", fd: openSync(root, constants.O_RDONLY | constants.O_DIRECTORY) }];
  const inside = (fd: number, name: string) => `/proc/self/fd/${fd}/${name}`;
  const last = () => steps.at(-1)?.fd ?? -1;
  const leave = () => {
    const step = steps.length > 1 ? steps.pop() : undefined;
    if (step !== undefined) closeSync(step.fd);
    return step !== undefined;
  };
  const restart = () => {
    while (leave());
  };
  return {
    at: (name: string) => inside(last(), name),
    owner: () => lstatSync(inside(last(), ".")).uid,
    shown: () => steps.map(({ name }) => name).join("/"),
    enter: (name: string) => {
      if (name !== "..") steps.push({ name, fd: openSync(inside(last(), name), DIRECTORY) });
      else leave(); // ".." of the root is the root
    },
    restart,
    close: () => {
      restart();
      for (const { fd } of steps.splice(0)) closeSync(fd);
    },
  };
}

function checkLink(link: Stats, owner: number, shown: string): void {
  const stranger = [link.uid, owner].find((uid) => uid !== 0 && uid !== process.geteuid?.());
  if (stranger === undefined) return;
  throw new CommandError(`"${shown}" is a link of user ${stranger}, who could let it lead anywhere`, {
    hint: "put a directory or file in its place",
  });
}

function split(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}
