import { mkdirSync } from "node:fs";
import { cmd } from "../host/cmd.ts";
import type { Host } from "../host/host.ts";

/** A resource that is closed at the end of its scope (`await using`). */
export interface Opened extends AsyncDisposable {
  readonly path: string;
}

/** Mounts `source` on the directory `target`, created if missing, until the scope ends. */
export async function mounted(
  source: string,
  target: string,
  options: { readonly type?: string; readonly flags?: readonly string[] },
  host: Pick<Host, "run">,
): Promise<Opened> {
  mkdirSync(target, { recursive: true });
  const type = options.type === undefined ? [] : ["--types", options.type];
  const flags = options.flags === undefined ? [] : ["--options", options.flags.join(",")];
  await host.run(cmd`mount ${type} ${flags} ${source} ${target}`);
  return {
    path: target,
    [Symbol.asyncDispose]: async () => {
      await host.run(cmd`umount ${target}`);
    },
  };
}

export interface Mount {
  readonly target: string;
  readonly source: string;
  /** Of the file system, such as ext4. */
  readonly type: string;
  /** For the mount point; its file system may be writable elsewhere. */
  readonly readOnly: boolean;
}

/** Parses /proc/self/mountinfo: mount points and their sources (proc_pid_mountinfo(5)), oldest first. */
export function parseMountinfo(text: string): Mount[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [front = "", back = ""] = line.split(" - ");
      const [, , , , target = "", options = ""] = front.split(" ");
      return {
        target: unescapeOctal(target),
        source: unescapeOctal(back.split(" ")[1] ?? ""),
        type: back.split(" ")[0] ?? "",
        readOnly: options.split(",").includes("ro"),
      };
    });
}

/** The mount of a path (real, without links): the latest of those with the longest mount point above it. */
export function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  const above = mounts.filter(({ target }) => `${path}/`.startsWith(target === "/" ? "/" : `${target}/`));
  return above.reduce<Mount | undefined>(
    (best, mount) => (best !== undefined && best.target.length > mount.target.length ? best : mount),
    undefined,
  );
}

function unescapeOctal(field: string): string {
  return field.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
