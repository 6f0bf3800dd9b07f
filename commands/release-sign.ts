import { statSync } from "node:fs";
import { join } from "node:path";
import { defineCommand } from "../lib/tools/cli/cli.ts";
import { writeFileAtomic } from "../lib/tools/fs/atomic.ts";
import { parseChecksums } from "../lib/tools/fs/checksums.ts";
import { readBounded, readTextIfThere } from "../lib/tools/fs/read-bounded.ts";
import type { Arch } from "../lib/tools/host/targets.ts";
import { UNRELEASED, VERSION } from "../lib/tools/host/version.ts";
import { VALIDITY } from "../lib/tools/release/freshness.ts";
import { declaredK3s } from "../lib/tools/release/k3s-release.ts";
import { archesIn, compareFiles } from "../lib/tools/release/release-directory.ts";
import {
  claimedFields,
  type DeclaredK3s,
  listComment,
  listName,
  MAX_LIST,
  PUBLIC_KEY_NAME,
  signatureName,
} from "../lib/tools/release/release-list.ts";
import { publicKeyFile } from "../lib/tools/release/signature-keys.ts";
import { openSigningKey, PASSWORD_VARIABLE, signContent } from "../lib/tools/release/signing-key.ts";
import { during, EXIT, UsageError } from "../lib/tools/text/errors.ts";

/** `k3os release sign --key SECRET DIRECTORY…` */
export const releaseSign = defineCommand({
  usage: "DIRECTORY...",
  description: `
Signs every checksum file sha256sum-ARCH.txt in each DIRECTORY with minisign,
which must be installed, after comparing all listed files with their checksums,
and writes the public key as ${PUBLIC_KEY_NAME}. Nothing is written if a checksum
does not match. The password of an encrypted key is read from
${PASSWORD_VARIABLE}, or from the terminal.`,
  options: {
    key: { type: "string", value: "FILE", help: "minisign secret key" },
    version: {
      type: "string",
      value: "VERSION",
      help: "version of the release, such as v0.36.3-k3s1r0 (default: this program's)",
    },
    k3s: {
      type: "string",
      value: "VERSION",
      help: "version of the k3s in it (default: that of the present signature)",
    },
    days: {
      type: "string",
      value: "N",
      help: "how long the signature may be offered; then nodes refuse it (default: 365)",
    },
  },
  exits: { failed: "a checksum does not match, or signing failed; nothing is signed" },
  maxPositionals: Number.POSITIVE_INFINITY,
  run: async ({ values, positionals: directories }, host) => {
    if (directories.length === 0) throw new UsageError("Missing argument DIRECTORY");
    if (values.key === undefined) throw new UsageError("Missing option --key");
    const version = values.version ?? VERSION;
    if (version === UNRELEASED) throw new UsageError("Missing option --version: this program has none");
    const k3s = values.k3s === undefined ? undefined : declaredK3s(values.k3s);
    if (values.k3s !== undefined && k3s === undefined)
      throw new UsageError(`Found --k3s "${values.k3s}", expected a version such as v1.36.3+k3s1`);
    const expiresAfter = values.days === undefined ? VALIDITY : dayCount(values.days) * 86_400;
    const lists = directories.flatMap(listsIn);
    const key = await openSigningKey(values.key, host);
    const complaints = (await Promise.all(lists.map(complaintsOf))).flat();
    for (const complaint of complaints) host.log.error(complaint);
    if (complaints.length > 0) return EXIT.failed;
    const timestamp = Math.floor(host.clock.now() / 1000);
    const signatures: { directory: string; file: string; text: string }[] = [];
    for (const { directory, arch, content } of lists) {
      const names = [...parseChecksums(content.toString()).keys()];
      const sizes = new Map(names.map((name) => [name, statSync(join(directory, name)).size]));
      const comment = listComment({
        arch,
        version,
        timestamp,
        expires: timestamp + expiresAfter,
        sizes,
        k3s: k3s ?? declaredBefore(directory, arch),
      });
      const text = await signContent(content, comment, key, host);
      signatures.push({ directory, file: join(directory, signatureName(arch)), text });
    }
    for (const { directory, file, text } of signatures) {
      writeFileAtomic(file, text);
      writeFileAtomic(join(directory, PUBLIC_KEY_NAME), publicKeyFile(key.publicKey));
      host.print(`${file}: signed for ${version} by ${key.publicKey.id}\n`);
    }
    return EXIT.done;
  },
});

function dayCount(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new UsageError(`Found --days "${text}", expected a number of days such as 365`);
}

/** The k3s that the present signature of a list declares: the build's, which knows what it contains. */
function declaredBefore(directory: string, arch: Arch): DeclaredK3s | undefined {
  const text = readTextIfThere(join(directory, signatureName(arch)), { maxBytes: MAX_LIST });
  if (text === undefined) return undefined;
  try {
    return claimedFields(text, arch).k3s;
  } catch {
    return undefined; // it is replaced because it is not good
  }
}

interface List {
  readonly directory: string;
  readonly arch: Arch;
  readonly content: Buffer;
}

function listsIn(directory: string): List[] {
  return archesIn(directory).map((arch) => {
    return { directory, arch, content: readBounded(join(directory, listName(arch)), { maxBytes: MAX_LIST }) };
  });
}

/** The problems of the files of a checksum file; throws if it cannot be read. */
async function complaintsOf({ directory, arch, content }: List): Promise<string[]> {
  const doing = `Reading "${join(directory, listName(arch))}"`;
  const files = await during(doing, () => parseChecksums(content.toString()));
  const complaints: string[] = [];
  for await (const [name, complaint] of compareFiles(directory, files)) {
    if (complaint !== undefined) complaints.push(`${join(directory, name)}: ${complaint}`);
  }
  return complaints;
}
