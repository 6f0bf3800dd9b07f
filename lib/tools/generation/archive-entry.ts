import { isVersion } from "../release/version-name.ts";
import { CommandError } from "../text/errors.ts";

/** The header of an archive entry. */
export interface ArchiveEntry {
  readonly name: string;
  readonly type?: string | undefined;
  readonly size: number;
  /** The permissions in the archive. */
  readonly mode?: number | undefined;
  readonly linkname?: string | undefined;
}

/**
 * The location of an entry in a version: `path` is relative to `COMPONENT/VERSION`, and empty for that directory
 * itself.
 */
interface Place {
  readonly component: string;
  readonly version: string;
  readonly path: string;
}

/** The decision about an entry. */
export type Placement =
  | { readonly kind: "skip" }
  /** The archive's own link `COMPONENT/current`. */
  | { readonly kind: "current"; readonly component: string; readonly version: string }
  | ({ readonly kind: "directory" } & Place)
  | ({ readonly kind: "file"; readonly mode: 0o755 | 0o644; readonly size: number } & Place)
  | ({ readonly kind: "link"; readonly target: string } & Place);

/** A name of a component, or of the top directory. */
const PLAIN = /^\w[\w.+~-]*$/;
/** A name of a file: printable characters only. */
const PRINTABLE = /^[^/\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}\ufffd]{1,255}$/u;

/**
 * Decides about an entry of `k3os-rootfs-ARCH.tar.gz`, which is not verified yet: it accepts files, directories and
 * links of `TOP/k3os/system/COMPONENT/VERSION`; `TOP/sbin` is for other systems. Permissions become 0755 or 0644.
 * Throws CommandError for any other name and type, and for a link that leads out of its version.
 */
export function placeEntry(entry: ArchiveEntry): Placement {
  const kind = KINDS[entry.type ?? ""];
  if (kind === undefined) throw refused(entry, `it is a ${entry.type ?? "thing of unknown type"}`);
  if (!Number.isSafeInteger(entry.size) || entry.size < 0) throw refused(entry, "it has no size");
  const parts = entry.name.replace(/\/$/, "").split("/");
  if (parts.some((part) => !PRINTABLE.test(part) || part === "." || part === "..")) {
    throw refused(entry, "its name is not a plain one");
  }
  const [top = "", first = "", second, component, version, ...rest] = parts;
  if (!isVersion(top)) throw refused(entry, "its directory is not called like a version");
  if (parts.length === 1 || first === "sbin") return skipped(entry, kind, first === "sbin");
  if (first !== "k3os" || (second !== undefined && second !== "system")) {
    throw refused(entry, "it is neither in k3os/system nor in sbin");
  }
  if (component === undefined || version === undefined) return skipped(entry, kind, false);
  if (!PLAIN.test(component)) throw refused(entry, "its name is not a plain one");
  if (version === "current") return currentLink(entry, component, rest.length);
  if (version === "previous") throw refused(entry, "what was before is not for a release to say");
  if (!isVersion(version)) throw refused(entry, "its name is not that of a version");
  return placed(entry, kind, { component, version, path: rest.join("/") });
}

const KINDS: Readonly<Record<string, "file" | "directory" | "link" | undefined>> = {
  file: "file",
  directory: "directory",
  symlink: "link",
};

/** The directories above the versions, and everything in `sbin`, are not written. */
function skipped(entry: ArchiveEntry, kind: string, anything: boolean): Placement {
  if (anything || kind === "directory") return { kind: "skip" };
  throw refused(entry, "it should be a directory");
}

function currentLink(entry: ArchiveEntry, component: string, below: number): Placement {
  const version = entry.linkname ?? "";
  if (entry.type !== "symlink" || below > 0 || !isVersion(version)) {
    throw refused(entry, "it should be a link to a version");
  }
  return { kind: "current", component, version };
}

function placed(entry: ArchiveEntry, kind: "file" | "directory" | "link", place: Place): Placement {
  if (kind === "directory") return { kind, ...place };
  if (place.path === "") throw refused(entry, "it should be a directory");
  if (kind === "link") return { kind, ...place, target: linkTarget(entry, place.path) };
  return { kind, ...place, size: entry.size, mode: ((entry.mode ?? 0) & 0o111) === 0 ? 0o644 : 0o755 };
}

/** `..` is only allowed at the beginning: after the name of another link it would lead to an unexpected place. */
function linkTarget(entry: ArchiveEntry, path: string): string {
  const target = entry.linkname ?? "";
  const [, up = "", down = ""] = /^((?:\.\.(?:\/|$))*)(.*)$/s.exec(target) ?? [];
  const plain =
    down === "" ? up !== "" : down.split("/").every((part) => PRINTABLE.test(part) && part !== "..");
  if (plain && up.split("..").length <= path.split("/").length) return target;
  throw refused(entry, `it leads to ${JSON.stringify(target)}, out of its directory`);
}

function refused({ name }: ArchiveEntry, why: string): CommandError {
  return new CommandError(`The archive holds ${JSON.stringify(name)}: ${why}`);
}
