import { defineCommand, type Values } from "../lib/tools/cli/cli.ts";
import { type Arch, hostTarget, TARGETS, targetOf } from "../lib/tools/host/targets.ts";
import { localPath } from "../lib/tools/http/http-url.ts";
import { chooseTrust, readRelease } from "../lib/tools/release/read-release.ts";
import { archesIn, compareFiles } from "../lib/tools/release/release-directory.ts";
import { listName } from "../lib/tools/release/release-list.ts";
import { EXIT, messageOf, UsageError } from "../lib/tools/text/errors.ts";

const OPTIONS = {
  key: {
    type: "string",
    multiple: true,
    value: "KEY",
    help: "minisign public key to trust besides the built-in keys, as a file or base64; repeatable",
  },
  arch: {
    type: "string",
    value: "ARCH",
    choices: TARGETS.map(({ arch }) => arch),
    help: "amd64, arm64 or arm (default: all in a directory; for a URL, this machine's)",
  },
} as const;

/** `k3os release verify DIRECTORY|URL` */
export const releaseVerify = defineCommand({
  usage: "DIRECTORY|URL",
  description: `
Verifies the signatures of the checksum files sha256sum-ARCH.txt and, in a
directory, the checksum of every listed file. Prints one line for each, and
reports all failures. For a URL (http, https or ftp), only the checksum file is
verified; downloads are compared with it later.`,
  options: OPTIONS,
  exits: { done: "all signatures and checksums match", failed: "a signature or checksum does not match" },
  maxPositionals: 1,
  run: async ({ values, positionals: [directory] }, host) => {
    if (directory === undefined) throw new UsageError("Missing argument DIRECTORY or URL");
    const trust = chooseTrust({ keys: values.key }, host);
    const local = localPath(directory);
    let complaints = 0;
    const complain = (name: string, complaint: string) => {
      complaints++;
      host.log.error(`${name}: ${complaint}`);
    };
    for (const arch of wantedArches(values, local)) {
      const release = await readRelease(local ?? directory, { arch, trust }, host).catch((error) => {
        complain(listName(arch), messageOf(error));
      });
      if (!release) continue; // an unverified checksum file proves nothing
      host.print(`${listName(arch)}: OK, signed for ${release.version}\n`);
      if (local === undefined) continue;
      for await (const [name, complaint] of compareFiles(local, release.files)) {
        if (complaint === undefined) host.print(`${name}: OK\n`);
        else complain(name, complaint);
      }
    }
    return complaints === 0 ? EXIT.done : EXIT.failed;
  },
});

function wantedArches(
  { arch }: Pick<Values<typeof OPTIONS>, "arch">,
  local: string | undefined,
): readonly Arch[] {
  if (arch !== undefined) return [targetOf(arch).arch];
  return local === undefined ? [hostTarget().arch] : archesIn(local);
}
