import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  lstatSync,
  mkdirSync,
  openSync,
} from "node:fs";
import { join } from "node:path";
import { GENERATED } from "../config/schema/generated-files.ts";
import type { CloudConfig } from "../config/schema/schema.ts";
import { openTrusted } from "../tools/fs/trusted-path.ts";
import { inRoot, PATH } from "../tools/host/paths.ts";
import { maskUrl } from "../tools/http/http.ts";
import { fetchKeys } from "../tools/node/fetch-ssh-keys.ts";
import { isKey, keySource } from "../tools/node/ssh-key.ts";
import { CommandError, messageOf } from "../tools/text/errors.ts";
import { type Applier, type ApplyHost, type ItemError, listItems, throwErrors } from "./applier.ts";
import { formatKeyFile, type KeyFile, LITERAL, parseKeyFile } from "./authorized-keys.ts";
import { withEnvironment } from "./environment.ts";
import { generator } from "./generator.ts";
import { putFile, readIfExists } from "./system-files.ts";
import { type Account, findUser, USER } from "./users.ts";

/**
 * All sources are asked at once, so this limits the whole applier; it includes the wait for a network with slow DNS.
 */
const DEADLINE = 30_000;
const LIMITS = { deadline: DEADLINE, retries: Number.POSITIVE_INFINITY, maxBytes: 1 << 20 };

/**
 * Keeps the configured SSH keys of `rancher` in our own block of authorized_keys; other lines stay. A source keeps its
 * last keys if it is unreachable, or if it may not be asked because `network` is false. So does a source that no longer
 * sends keys, if its keys are the last ones that allow a login.
 */
export function sshKeys(options: { network: boolean }): Applier {
  return {
    name: "ssh_authorized_keys",
    apply: async (config, host) => {
      if (generator(config, host).isWritten(GENERATED.sshKeys)) return;
      const items = listItems("ssh_authorized_keys", config.sshAuthorizedKeys);
      const user = findUser(USER, host);
      const path = join(user.home, ".ssh/authorized_keys");
      const answers = await Promise.all(
        items.map(([at, entry]) => askKeySource(at, entry, options, withEnvironment(config, host))),
      );
      // read only now: a key may have been added while the sources were asked
      const old = readIfExists(path, host) ?? "";
      if (old.includes("\0")) host.log.warn(`"${path}" was damaged: what cannot be read is left out`);
      const file = parseKeyFile(old);
      const managed = new Map<string, readonly string[]>();
      // a cloud's keys are literal: until it answers, its last keys must still allow a login
      const last = options.network && !isCloudSilent(config, host) ? [] : (file.managed.get(LITERAL) ?? []);
      if (last.length > 0) managed.set(LITERAL, last);
      for (const { name, keys } of answers) {
        managed.set(name, [...(managed.get(name) ?? []), ...(keys ?? file.managed.get(name) ?? [])]);
      }
      for (const name of lastWayIn({ ...file, managed }, file, namesAnswered(answers, config))) {
        managed.set(name, file.managed.get(name) ?? []);
        host.log.warn(
          `"${name}" sends no key any more: its last keys stay, because nobody could log in without them`,
        );
      }
      const text = formatKeyFile({ ...file, managed });
      if (text !== old) {
        if (!host.dryRun) makeDirectory(user, host);
        putFile(path, text, { mode: 0o600, uid: user.uid, gid: user.gid }, host);
      }
      throwErrors(answers.flatMap(({ error }) => (error === undefined ? [] : [error])));
    },
  };
}

/** The names of the sources that have answered without any keys; keys of data sources are literal. */
function namesAnswered(answers: readonly KeyAnswer[], { k3os }: CloudConfig): readonly string[] {
  const names = answers.flatMap(({ name, keys }) => (keys?.length === 0 ? [name] : []));
  return (k3os?.dataSources ?? []).length > 0 ? [LITERAL, ...names] : names;
}

/** The sources without keys whose previous keys were the last ones that allowed a login. */
function lastWayIn(file: KeyFile, before: KeyFile, names: readonly string[]): readonly string[] {
  if (formatKeyFile(file).split("\n").some(isKey)) return [];
  return names.filter((name) => before.managed.get(name)?.some(isKey));
}

/** The answer of a source; if `keys` is undefined, its known keys stay. */
export interface KeyAnswer {
  readonly name: string;
  readonly keys: readonly string[] | undefined;
  readonly error?: ItemError;
}

/**
 * Gets the keys of one source, within {@link DEADLINE}; without `network`, only an entry with literal keys has any.
 * `path` stands for the entry in messages. Never throws.
 */
export async function askKeySource(
  path: string,
  entry: string,
  { network }: { readonly network: boolean },
  host: Pick<ApplyHost, "log" | "clock" | "env">,
): Promise<KeyAnswer> {
  let name: string = LITERAL;
  try {
    const source = keySource(entry);
    // its lines without a key were reported when the configuration was read
    if (source.kind === "literal") return { name, keys: source.lines };
    name = maskUrl(source.name);
    if (!network) return { name, keys: undefined };
    const { keys, rejected } = await fetchKeys({ name, url: source.url }, LIMITS, host);
    if (rejected > 0)
      host.log.warn(`${path}: ${rejected} lines of "${name}" are not SSH public keys: skipped`);
    return { name, keys };
  } catch (error) {
    const message = messageOf(error);
    if (name === LITERAL) return { name, keys: [], error: { path, message } };
    return { name, keys: undefined, error: { path, message, kept: true } };
  }
}

/** Data sources are configured, but none has answered since the boot. */
function isCloudSilent(config: CloudConfig, host: Pick<ApplyHost, "root">): boolean {
  return (config.k3os?.dataSources ?? []).length > 0 && !existsSync(inRoot(host, PATH.metadata));
}

/**
 * Directories of users are changed through descriptors: the user could replace a name by a link, which root would
 * follow.
 */
function makeDirectory(user: Account, host: Pick<ApplyHost, "root">): void {
  for (const [path, mode] of [[user.home, 0o755] as const, [join(user.home, ".ssh"), 0o700] as const]) {
    using place = openTrusted(host.root, path, { make: true });
    const found = lstatSync(place.path, { throwIfNoEntry: false });
    if (found === undefined) {
      mkdirSync(place.path, { mode });
    } else if (!found.isDirectory()) {
      throw new CommandError(`Cannot keep SSH keys in "${path}": expected a directory`);
    } else if (path === user.home) {
      continue;
    }
    const fd = openSync(place.path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      fchownSync(fd, user.uid, user.gid);
      fchmodSync(fd, mode);
    } finally {
      closeSync(fd);
    }
  }
}
