import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { CloudConfig, WriteFile } from "../config/schema/schema.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot } from "../tools/host/paths.ts";
import { BUILT_IN_SERVICES, OPENRC_UNITS } from "../tools/node/openrc-units.ts";
import { findService } from "./openrc-services.ts";
import programs from "./programs.json" with { type: "json" };
import { type CalledProgram, programsOf } from "./shell-programs.ts";

/** A missing program or service that commands of a configuration use. */
export interface MissingCommand {
  /** As the user writes it: `run_cmd[0]`. */
  readonly path: string;
  /** The missing name and its replacement. */
  readonly message: string;
}

/** Builtins of bash. */
const BUILTINS = new Set(
  (
    ". : [ alias bg bind break builtin caller cd command compgen complete continue declare dirs disown echo enable eval exec " +
    "exit export false fc fg getopts hash help history jobs kill let local logout mapfile popd printf pushd pwd read " +
    "readarray readonly return set shift shopt source suspend test times trap true type typeset ulimit umask unalias unset wait"
  ).split(" "),
);

const SYSTEM_DIRECTORIES = ["/bin", "/sbin", "/usr/bin", "/usr/sbin"];
/** Directories for the user's own programs; /usr/local is a link to /var/local. */
const OWN_DIRECTORIES = ["/usr/local/bin", "/usr/local/sbin", "/var/local/bin", "/var/local/sbin"];

/** Replacements for programs that are missing, or that exist only to name the replacement. */
const REPLACEMENTS: Readonly<Record<string, string>> = {
  apk: 'k3OS has no packages: put static programs into /usr/local/bin, or use "toolbox"',
  "apt-get": 'k3OS has no packages: put static programs into /usr/local/bin, or use "toolbox"',
  lbu: "persistent data is in /var and in the configuration",
  "openrc-run": "write a unit to /etc/systemd/system",
  udhcpc: "connman asks DHCP on every card",
  syslogd: 'the journal has all of it: "journalctl"',
  logread: 'use "journalctl"',
  ntpd: "systemd-timesyncd sets the clock: k3os.ntp_servers",
  "rc-config": 'use "rc-update" or "systemctl"',
  openrc: 'use "systemctl"',
  kubectx: 'use "kubectl config use-context"',
  kubens: 'use "kubectl config set-context --current --namespace"',
};

const known = new Set(Object.values(programs).flatMap((line) => line.split(" ")));

/**
 * Commands of a configuration whose program or service is missing in the userland of this version. `host` is the system
 * of the configuration: programs of its user count. Commands that depend on variables are not checked.
 */
export function missingCommands(config: CloudConfig, host: Pick<Host, "root">): MissingCommand[] {
  const files = config.writeFiles ?? [];
  const lists = { init_cmd: config.initCmd, boot_cmd: config.bootCmd, run_cmd: config.runCmd };
  const lines = Object.entries(lists).flatMap(([name, list = []]) =>
    list.map((line, at) => [`${name}[${at}]`, line] as const),
  );
  const scripts = files.flatMap((file, at) => {
    const isCalled = lines.some(([, line]) => programsOf(line).some(({ name }) => name === file.path));
    const isRun =
      isCalled || LOCAL_SCRIPT.test(file.path) || lines.some(([, line]) => line.includes(file.path));
    const isScript = isRun && isShellScript(file, { isCalled });
    return isScript ? [[`write_files[${at}]`, file.content ?? ""] as const] : [];
  });
  const found = [...lines, ...scripts].flatMap(([path, line]) =>
    programsOf(line).flatMap((program) => {
      const message = objection(program, files, host);
      return message === undefined ? [] : [{ path, message }];
    }),
  );
  const openrc = files.flatMap(({ content = "" }, at) => {
    const isOpenrc = /^#!.*\bopenrc-run\b/.test(content);
    return isOpenrc ? [{ path: `write_files[${at}]`, message: missing("openrc-run") }] : [];
  });
  const all = [...found, ...openrc];
  return all.filter((one, at) => all.findIndex((other) => isSame(one, other)) === at);
}

function isSame(one: MissingCommand, other: MissingCommand): boolean {
  return one.path === other.path && one.message === other.message;
}

/** Scripts that run at the end of the boot. */
const LOCAL_SCRIPT = /^\/etc\/local\.d\/[^/]+\.start$/;

/** A program without an interpreter line is a script for the shell that calls it. */
function isShellScript(
  { content = "", encoding = "" }: WriteFile,
  { isCalled }: { isCalled: boolean },
): boolean {
  if (encoding !== "") return false;
  return /^#!\s*\S*\/(?:env )?(?:ba|a)?sh\b/.test(content) || (isCalled && /^(?!#!)[^\0]*$/.test(content));
}

function objection(
  { name, args }: CalledProgram,
  files: readonly WriteFile[],
  host: Pick<Host, "root">,
): string | undefined {
  const program = basename(name);
  const directory = dirname(name);
  if (directory === "/etc/init.d") return objectionToService(program, files, host);
  if (name.includes("/") && !SYSTEM_DIRECTORIES.includes(directory)) return undefined;
  if (["service", "rc-service"].includes(program)) return objectionToService(firstWord(args), files, host);
  if (program === "rc-update" && /^(?:add|del|delete)$/.test(args[0] ?? "")) {
    return objectionToService(args[1], files, host);
  }
  if (program === "apk" || /^setup-\w+$/.test(program)) return missing(program);
  if (BUILTINS.has(program) || known.has(program)) return undefined;
  const own = OWN_DIRECTORIES.map((place) => join(place, program));
  const isOwn = own.some(
    (path) => existsSync(inRoot(host, path)) || files.some((file) => file.path === path),
  );
  return isOwn ? undefined : missing(program);
}

function firstWord(args: readonly string[]): string | undefined {
  return args.find((arg) => !arg.startsWith("-"));
}

function missing(program: string): string {
  const instead = REPLACEMENTS[program];
  return `k3OS has no "${program}"${instead === undefined ? "" : `: ${instead}`}`;
}

function objectionToService(
  name: string | undefined,
  files: readonly WriteFile[],
  host: Pick<Host, "root">,
): string | undefined {
  if (name === undefined || !/^[\w.@-]+$/.test(name)) return undefined;
  if (OPENRC_UNITS[name] !== undefined || BUILT_IN_SERVICES.includes(name)) return undefined;
  const isOwn = files.some(({ path }) => path === `/etc/systemd/system/${name}.service`);
  if (isOwn || findService(name, host).kind !== "unknown") return undefined;
  return `k3OS has no service "${name}": write a unit to /etc/systemd/system, and start it by systemctl`;
}
