import { mkdirSync } from "node:fs";
import type { Host } from "../host.ts";

/** Something that ends with the scope it was opened in (`await using`). */
export interface Opened extends AsyncDisposable {
  readonly path: string;
}

/** Mounts `source` on the directory `target`, made if missing, until the scope ends. */
export async function mounted(
  source: string,
  target: string,
  options: { readonly type?: string; readonly flags?: readonly string[] },
  host: Pick<Host, "run">,
): Promise<Opened> {
  mkdirSync(target, { recursive: true });
  const type = options.type === undefined ? [] : ["--types", options.type];
  const flags = options.flags === undefined ? [] : ["--options", options.flags.join(",")];
  await host.run(["mount", ...type, ...flags, source, target]);
  return {
    path: target,
    [Symbol.asyncDispose]: async () => {
      await host.run(["umount", target]);
    },
  };
}

/** Parses /proc/self/mountinfo: mount points and what is mounted there (proc_pid_mountinfo(5)), oldest first. */
export function parseMountinfo(text: string): { readonly target: string; readonly source: string }[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [front = "", back = ""] = line.split(" - ");
      return {
        target: unescapeOctal(front.split(" ")[4] ?? ""),
        source: unescapeOctal(back.split(" ")[1] ?? ""),
      };
    });
}

function unescapeOctal(field: string): string {
  return field.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
