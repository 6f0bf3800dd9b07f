import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type RunResult, runProgram } from "../../lib/tools/host/host.ts";

/** What a program finds around it when it is started in a root of its own. */
export interface Surroundings {
  /** Text files and, ending in "/", directories of the root, by absolute path; besides them the root is empty. */
  readonly files?: Readonly<Record<string, string>>;
  /** Whether /proc is mounted. */
  readonly proc?: boolean;
  /** Whether the program is process 1, of its own process namespace. */
  readonly init?: boolean;
  /** Whether the root is mounted read-only. */
  readonly readOnly?: boolean;
  /** The whole environment; default: empty. */
  readonly env?: Readonly<Record<string, string>>;
  /** Absolute path of a link to the program, by which it is called. */
  readonly link?: string;
}

/**
 * Runs the program at `executable` as `/k3os` in a root that holds nothing else than `surroundings` tell, in a mount
 * namespace that ends with it: what it mounts is gone afterwards. The working directory is the root.
 */
export async function runInRoot(
  executable: string,
  args: readonly string[],
  surroundings: Surroundings = {},
): Promise<RunResult> {
  const root = mkdtempSync(join(tmpdir(), "k3os-root-"));
  try {
    furnish(root, surroundings);
    return await runProgram(namespaceArgv(root, executable, args, surroundings), { check: false });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function furnish(root: string, { files = {}, proc = false, link }: Surroundings): void {
  const all = { "/k3os": "", ...files, ...(proc ? { "/proc/": "" } : {}) };
  for (const [path, text] of Object.entries(all)) {
    const isDirectory = path.endsWith("/");
    mkdirSync(join(root, isDirectory ? path : dirname(path)), { recursive: true });
    if (!isDirectory) writeFileSync(join(root, path), text);
  }
  if (link === undefined) return;
  mkdirSync(join(root, dirname(link)), { recursive: true });
  symlinkSync("/k3os", join(root, link));
}

function namespaceArgv(
  root: string,
  executable: string,
  args: readonly string[],
  { proc = false, init = false, readOnly = false, env = {}, link = "/k3os" }: Surroundings,
): string[] {
  const script = [
    'mount --bind "$1" "$1"',
    'mount --bind "$2" "$1/k3os"',
    ...(proc ? ['mount -t proc proc "$1/proc"'] : []),
    ...(readOnly ? ['mount -o remount,ro,bind "$1"'] : []),
    'cd "$1"', // into what is mounted there now
    "shift 2",
    'exec env -i "$@"',
  ];
  // busybox-static: a program with libraries would obey what the environment says of them
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return [
    ...["unshare", "--mount", ...(init ? ["--pid", "--fork"] : [])],
    ...["sh", "-e", "-c", script.join("\n"), "sh", root, executable],
    ...[...variables, "/bin/busybox", "chroot", ".", link, ...args],
  ];
}
