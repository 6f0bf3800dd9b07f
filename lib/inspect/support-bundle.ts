import { closeSync, constants, existsSync, fstatSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";
import { readLayers } from "../config/read/sources.ts";
import { MIB } from "../tools/fs/size.ts";
import { inRoot, PATH } from "../tools/host/paths.ts";
import { messageOf } from "../tools/text/errors.ts";
import { redactJson } from "../tools/text/redact.ts";
import type { InspectHost } from "./node-facts.ts";
import { createRedaction, redactedConfig, redactedSources } from "./redaction.ts";

/** Milliseconds for a program, and the number of bytes to include from the end of its output or of a file. */
const PATIENCE = 30_000;
const MAX_BYTES = 2 * MIB;
/** Number of files to include from a directory, the last ones by name. */
const MAX_FILES = 20;

/** The output of programs about the machine, by the name of its file. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  "journal/this-boot.txt": ["journalctl", "--boot", "--no-pager", "--lines", "20000"],
  "journal/last-boot.txt": ["journalctl", "--boot=-1", "--no-pager", "--lines", "20000"],
  "journal/kernel.txt": ["dmesg"],
  "units/all.txt": ["systemctl", "list-units", "--all", "--no-pager", "--plain", "--full"],
  "units/failed.txt": ["systemctl", "status", "--state=failed", "--no-pager", "--full"],
  "units/k3s.txt": ["systemctl", "status", "k3s-service", "ccapply", "cloud-config", "--no-pager", "--full"],
  "disks/lsblk.txt": ["lsblk", "--output", "NAME,TYPE,SIZE,FSTYPE,LABEL,UUID,RO,MODEL,MOUNTPOINTS"],
  "disks/blkid.txt": ["blkid"],
  "disks/findmnt.txt": ["findmnt", "--all"],
  "disks/space.txt": ["df", "--human-readable", "--print-type"],
  "disks/inodes.txt": ["df", "--inodes"],
  "network/addresses.txt": ["ip", "-details", "address"],
  "network/routes.txt": ["ip", "route", "show", "table", "all"],
  "network/sockets.txt": ["ss", "--tcp", "--udp", "--listening", "--numeric", "--processes"],
  "network/services.txt": ["connmanctl", "services"],
  "time.txt": ["timedatectl", "show"],
  "memory.txt": ["free", "--human"],
  "kernel.txt": ["uname", "--all"],
  "modules.txt": ["lsmod"],
  "k3s-version.txt": ["k3s", "--version"],
};

/** Files, and directories of files, of the machine. */
const FILES = [
  `${PATH.localState}/boot`,
  PATH.failures,
  PATH.cmdline,
  PATH.osRelease,
  `${PATH.system}/trial.json`,
  `${PATH.system}/release.json`,
  `${PATH.system}/quarantine.json`,
  "/boot/grub/grub.cfg",
  "/boot/grub/grubenv",
  "/etc/resolv.conf",
  "/etc/hosts",
  "/etc/systemd/system/k3s-service.service",
  "/proc/meminfo",
  "/proc/cpuinfo",
];

/** A file of the bundle. */
export interface SupportFile {
  readonly name: string;
  readonly text: string;
}

/** Facts about a bundle beside its files. */
export interface Support {
  readonly files: readonly SupportFile[];
  /** Missing data, with the reasons. */
  readonly missing: readonly string[];
}

/**
 * Collects the data for support with this machine, without secrets. `reports` is the JSON output of other commands, by
 * the name of the file. Changes nothing; does not throw for missing data.
 */
export async function gatherSupport(
  reports: Readonly<Record<string, unknown>>,
  host: InspectHost,
): Promise<Support> {
  const layers = await readLayers(host);
  const redact = createRedaction(layers, host);
  const missing: string[] = [];
  const outputs = await Promise.all(
    Object.entries(PROGRAMS).map(async ([name, argv]): Promise<SupportFile[]> => {
      try {
        const { stdout, stderr } = await host.run(argv, { check: false, timeout: PATIENCE });
        return [{ name, text: `$ ${argv.join(" ")}\n${lastOf(stdout)}${lastOf(stderr)}` }];
      } catch (error) {
        missing.push(`${name}: ${messageOf(error)}`);
        return [];
      }
    }),
  );
  const read = FILES.flatMap((path) => filesAt(path, missing, host));
  const plain = [...outputs.flat(), ...read].map(({ name, text }) => ({ name, text: redact(text) }));
  const sources = [...redactedSources(layers, redact)].map(([path, text]) => {
    return { name: `configuration/sources${path.replace(/(\.yaml)?$/, ".yaml")}`, text };
  });
  const found = Object.entries(reports).map(([name, report]) => {
    return { name, text: `${JSON.stringify(redactJson(report, redact), undefined, 2)}\n` };
  });
  const merged = { name: "configuration/merged.yaml", text: redactedConfig(layers, redact) };
  return { files: [...found, merged, ...sources, ...plain], missing: missing.map(redact) };
}

function lastOf(text: string): string {
  return text.length <= MAX_BYTES
    ? text
    : `… cut off before the last ${MAX_BYTES} characters\n${text.slice(-MAX_BYTES)}`;
}

function filesAt(path: string, missing: string[], host: Pick<InspectHost, "root">): SupportFile[] {
  const full = inRoot(host, path);
  if (!existsSync(full)) return [];
  try {
    const text = readEnd(full);
    if (text !== undefined) return [{ name: `files${path}`, text }];
    const names = readdirSync(full).sort().slice(-MAX_FILES);
    return names.flatMap((name) => {
      const below = readEnd(join(full, name));
      return below === undefined ? [] : [{ name: `files${path}/${name}`, text: below }];
    });
  } catch (error) {
    missing.push(`${path}: ${messageOf(error)}`);
    return [];
  }
}

/** The end of a regular file; undefined for anything else. A pipe in its place must not block us. */
function readEnd(path: string): string | undefined {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const status = fstatSync(fd);
    if (!status.isFile()) return undefined;
    const end = Buffer.alloc(MAX_BYTES);
    // files of /proc report a size of 0
    const length = readSync(fd, end, 0, MAX_BYTES, status.size > MAX_BYTES ? status.size - MAX_BYTES : null);
    return end.toString("utf8", 0, length);
  } finally {
    closeSync(fd);
  }
}

/** The bundle's description of itself. */
export function supportReadme({ files, missing }: Support, version: string, time: string): string {
  return `What k3OS ${version} found on this machine on ${time}, by "k3os support".

Secrets were taken out: what the declaration of the configuration says is one (passwords, tokens, passphrases, contents
of files, values of environment variables, commands), wherever its value stands; user names and passwords in URLs; values
of flags and variables that are called like secrets. "(secret)" stands in their place. What a program has written into
the journal under no such name may be left: read it before you send it to anybody.

Here:
${files.map(({ name }) => `  ${name}\n`).join("")}
Missing:
${missing.map((line) => `  ${line.split("\n")[0]}\n`).join("") || "  nothing\n"}`;
}
