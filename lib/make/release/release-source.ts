import { cmd } from "../../tools/host/cmd.ts";
import type { Host } from "../../tools/host/host.ts";

/** The state of the sources. */
export interface SourceFacts {
  /** The commit, in hexadecimal. */
  readonly commit: string;
  /** Its time, in seconds since the epoch. */
  readonly time: number;
  /** The tags of this commit that start like a version. */
  readonly tags: readonly string[];
  /** Files that are not as committed. */
  readonly dirty: readonly string[];
}

/** Reads the state of a checkout. Throws CommandError if git fails. */
export async function readSource(project: string, host: Pick<Host, "run">): Promise<SourceFacts> {
  const git = async (argv: readonly string[]) => {
    const { stdout } = await host.run(cmd`git -C ${project} ${argv}`);
    return stdout.split("\n").filter((line) => line !== "");
  };
  const [commit = "", time = ""] = await git(cmd`log -1 --format=%H%n%ct`);
  const tags = await git(cmd`tag --points-at HEAD`);
  const dirty = await git(cmd`status --porcelain`);
  return {
    commit,
    time: Number(time),
    tags: tags.filter((tag) => /^v?\d/.test(tag)),
    dirty: dirty.map((line) => line.slice(3)),
  };
}
