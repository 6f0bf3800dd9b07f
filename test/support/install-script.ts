import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunResult } from "../../lib/tools/host/host.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { PROJECT } from "./sources.ts";

export const INSTALL_SCRIPT = join(PROJECT, "install.sh");

/** The shells that `install.sh` is made for. busybox's finds its own applets before, and without, the PATH. */
export const SHELLS = [["dash"], ["bash"], ["busybox", "sh"]] as const;

export const EXECUTABLE = `k3os-${hostTarget().arch}`;
export const LIST = `sha256sum-${hostTarget().arch}.txt`;

/** Stands for the executable: records what it was called with, and then does what the variable THEN says. */
export const FAKE_EXECUTABLE = `#!/bin/sh
printf '%s\\0' "$@" >"$RECORD/arguments"
printf '%s' "\${K3OS_RELEASE_URL-none}" >"$RECORD/release"
if [ -t 0 ]; then printf terminal; else cat; fi >"$RECORD/input"
eval "\${THEN:-}"
`;

/** The list of checksums of a release in which `text` is the executable. */
export function checksums(text: string | Uint8Array): string {
  const sum = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");
  return `${sum("iso")}  ${EXECUTABLE}.iso\n${sum(text)}  ${EXECUTABLE}\n`;
}

/** The programs of the smallest Linux that the script runs on, but for one to download with. No wait takes any time. */
export const BASIC_TOOLS = [
  "cat",
  "chmod",
  "cp",
  "df",
  "id",
  "mktemp",
  "mv",
  "rm",
  "sed",
  "sha256sum",
  "uname",
];

/** Where a tool of a scene comes from: itself, another program, or the text of a script. */
export type Tools = Readonly<Record<string, string>>;

export interface SceneOptions {
  /** By default curl. */
  readonly tools?: Tools;
  /** Basic tools that are missing. */
  readonly without?: readonly string[];
}

export interface Call {
  readonly shell: readonly string[];
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** By default the script comes through a pipe. */
  readonly saved?: boolean;
  /** What comes through the pipe, if not the whole script. */
  readonly text?: string;
  /** A command that the shell is run by. */
  readonly by?: readonly string[];
  /** Called with the process when the executable has printed something. */
  readonly onOutput?: (pid: number) => void;
  /** Called with the process when it has started. */
  readonly onStart?: (pid: number) => void;
}

export interface Scene extends Disposable {
  /** Its working directory, in which `tmp` is TMPDIR. */
  readonly directory: string;
  call(call: Call): Promise<RunResult>;
  /** What the executable was called with last; undefined where it was not. */
  recorded(): { arguments: string[]; release: string; input: string } | undefined;
  /** What is left in TMPDIR. */
  leftovers(): string[];
}

/** A directory for `install.sh` to be run in, with a PATH that holds nothing but what it is given. */
export function openScene({ tools = { curl: "curl" }, without = [] }: SceneOptions = {}): Scene {
  const directory = mkdtempSync(join(tmpdir(), "k3os-test-"));
  for (const name of ["tmp", "bin", "record"]) mkdirSync(join(directory, name));
  const basic = Object.fromEntries(BASIC_TOOLS.map((name) => [name, name]));
  const all: Tools = { ...basic, sleep: "true", ...tools };
  for (const [name, source] of Object.entries(all)) {
    if (!without.includes(name)) provide(join(directory, "bin", name), source);
  }
  const record = (name: string) => readFileSync(join(directory, "record", name), "utf8");
  return {
    directory,
    call: (call) => run(call, directory),
    recorded: () => {
      if (!existsSync(join(directory, "record/arguments"))) return undefined;
      const args = record("arguments").split("\0").slice(0, -1);
      return { arguments: args, release: record("release"), input: record("input") };
    },
    leftovers: () => readdirSync(join(directory, "tmp")),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

function provide(path: string, source: string): void {
  if (source.startsWith("#!")) writeScript(path, source);
  else symlinkSync(Bun.which(source) ?? `/nowhere/${source}`, path);
}

export function writeScript(path: string, text: string): void {
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}

/** Runs a command on a terminal of its own, all of whose output is standard output; needs the tool script. */
export const ON_TERMINAL = [
  "sh",
  "-c",
  'SHELL=/bin/sh exec script --quiet --return --command "$*" /dev/null',
  "sh",
];

const UNSHARE = Bun.which("unshare") ?? "unshare";

/** For developers who are not root. */
const MAP_ROOT = process.getuid?.() === 0 ? [] : ["--map-root-user"];

/** Runs a command where it can mount what is seen nowhere else. */
export const IN_NAMESPACE = [UNSHARE, "--mount", ...MAP_ROOT];

function run(call: Call, directory: string): Promise<RunResult> {
  const { shell, args, env, saved = false, text = readFileSync(INSTALL_SCRIPT), by = [] } = call;
  const [name = "", ...rest] = shell;
  const asRoot = MAP_ROOT.length === 0 ? [] : [UNSHARE, ...MAP_ROOT];
  const script = saved ? [INSTALL_SCRIPT] : ["-s", "--"];
  const [file = "", ...argv] = [...by, ...asRoot, Bun.which(name) ?? name, ...rest, ...script, ...args];
  const child = spawn(Bun.which(file) ?? file, argv, {
    cwd: directory,
    env: { PATH: join(directory, "bin"), TMPDIR: `${directory}/tmp`, RECORD: `${directory}/record`, ...env },
  });
  const said = { stdout: "", stderr: "" };
  return new Promise((resolve, reject) => {
    child.stdout.on("data", (chunk: Buffer) => {
      said.stdout += chunk.toString();
      call.onOutput?.(child.pid ?? 0);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      said.stderr += chunk.toString();
    });
    child.stdin.on("error", () => undefined); // the script may end without reading it: its status tells
    child.stdin.end(saved ? "not for the executable" : text);
    child.on("error", reject);
    child.on("spawn", () => call.onStart?.(child.pid ?? 0));
    child.on("close", (code) => resolve({ code: code ?? 128, ...said }));
  });
}
