import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { flushDirectory, writeFileAtomic } from "../../tools/fs/atomic.ts";
import { fillTree } from "../../tools/fs/fill-tree.ts";
import { isThere } from "../../tools/fs/links.ts";
import { isLostText } from "../../tools/fs/lost-content.ts";
import { cmd } from "../../tools/host/cmd.ts";
import type { Host } from "../../tools/host/host.ts";
import { inRoot, PATH } from "../../tools/host/paths.ts";
import { CommandError, messageOf } from "../../tools/text/errors.ts";

/** Where /etc/ssh is kept. */
export const KEPT_SSH = join(PATH.localState, "ssh");
const SHIPPED = "/etc/ssh";
const SERVER = "sshd_config";
/** The digest of the image's sshd_config that was kept last; if there are two, either may be the one. */
const MARK = ".shipped";

type SshHost = Pick<Host, "root" | "run" | "log">;

/**
 * Makes /etc/ssh, which its owner may edit, persistent. Missing or damaged files are replaced from the image. An
 * unedited sshd_config of an earlier image is replaced by the current one, so that a release can change the server's
 * defaults. Damaged host keys are removed: the units that create missing ones run later. Throws CommandError if no
 * complete sshd_config can be kept; /etc/ssh then stays as in the image.
 */
export async function keepSshSettings(host: SshHost): Promise<void> {
  const [shipped, kept] = [inRoot(host, SHIPPED), inRoot(host, KEPT_SSH)];
  const image = readFileSync(join(shipped, SERVER));
  writeFileAtomic(inRoot(host, PATH.imageSshd), withoutIncludes(image.toString()), { parents: true });
  followImage(image, kept);
  fillTree(shipped, kept, host);
  if (isLostText(readFileSync(join(kept, SERVER)))) {
    throw new CommandError(`"${KEPT_SSH}/${SERVER}" is damaged: this boot uses the image's`);
  }
  writeFileAtomic(join(kept, MARK), `${digest(image)}\n`);
  await mendHostKeys(kept, host);
}

/** The image's settings without those of other files. */
function withoutIncludes(settings: string): string {
  return settings.replaceAll(/^[ \t]*Include\b.*\n/gim, "");
}

/** Replaces an unedited sshd_config of an earlier image. */
function followImage(image: Uint8Array, kept: string): void {
  const [file, mark] = [join(kept, SERVER), join(kept, MARK)];
  if (!isThere(file)) return;
  const known = isThere(mark) ? readFileSync(mark, "utf8").split("\n") : [];
  const found = digest(readFileSync(file));
  if (found === digest(image) || !known.includes(found)) return;
  // written first: after a power cut, either file counts as an image's
  writeFileAtomic(mark, `${found}\n${digest(image)}\n`);
  writeFileAtomic(file, image);
}

function digest(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Removes host keys that sshd cannot read, and recreates damaged public keys from their private keys. */
async function mendHostKeys(kept: string, host: SshHost): Promise<void> {
  for (const name of readdirSync(kept).filter((entry) => /^ssh_host_\w+_key$/.test(entry))) {
    try {
      await mendHostKey(join(kept, name), host);
    } catch (error) {
      host.log.error(`The SSH host key "${SHIPPED}/${name}": ${messageOf(error)}`);
    }
  }
}

async function mendHostKey(file: string, host: SshHost): Promise<void> {
  const publicFile = `${file}.pub`;
  if (!isPrivateKey(readFileSync(file, "latin1"))) {
    for (const path of [publicFile, file]) rmSync(path, { force: true });
    flushDirectory(dirname(file));
    host.log.warn(`The SSH host key "${basename(file)}" was damaged: another is made`);
  } else if (isThere(publicFile) && isLostText(readFileSync(publicFile))) {
    const { stdout } = await host.run(cmd`ssh-keygen -y -P ${""} -f ${file}`);
    writeFileAtomic(publicFile, stdout);
    host.log.warn(`The public SSH host key "${basename(publicFile)}" was damaged and has been recreated`);
  }
}

/** Whether a text contains a whole private key (RFC 7468, with OpenSSH's label or that of a key type). */
export function isPrivateKey(text: string): boolean {
  return /-----BEGIN ([A-Z ]*PRIVATE KEY)-----\s[^\0]+\s-----END \1-----/.test(text) && !text.includes("\0");
}
