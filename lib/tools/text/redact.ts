/** The replacement of a secret. */
export const HIDDEN = "(secret)";

/** The known secrets of a machine. */
export interface Secrets {
  /** Replaced anywhere. */
  readonly texts: readonly string[];
  /** Replaced as whole words, see {@link secretWords}; there may be many. */
  readonly words: ReadonlySet<string>;
}

const NONE: Secrets = { texts: [], words: new Set() };

/** Excludes the characters that programs put between quoted words. */
const LONG_WORD = /[^\s"'`=:@/?&,;(){}<>|$\\]{8,}/g;

/** The words of a text that may be secrets: with letters and digits, and not short. */
export function secretWords(text: string): string[] {
  return (text.match(LONG_WORD) ?? []).filter((word) => /[a-z]/i.test(word) && /\d/.test(word));
}

/** Names of secret values in any program: `K3S_TOKEN`, `db-password`, `joinKey`, `auth`. */
const SECRET_NAME =
  "(?:[\\w.-]{0,64}(?:token|password|passwd|passphrase|secret|credentials?|(?:api|access|private|secret|join|session)[-_]?key)|(?:[\\w.-]{0,64}[-_.])?(?:auth|pass|psk))";

const QUOTED = `"(?:[^"\\\\]|\\\\.)*"|'[^']*'`;

/** Texts that are always secret; `$1` is the part before, `$2` the part after. */
const RULES: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/(-----BEGIN [A-Z ]*PRIVATE KEY-----)[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, `$1${HIDDEN}$2`],
  // user and password of a URL, and its query, which may be a signature
  [/([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#"'<>]*@/gi, "$1***@"],
  [/(https?:\/\/[^\s?"'<>]+\?)[^\s"'<>]+/gi, "$1…"],
  [/\b((?:Bearer|Basic|Digest|Token)\s+)[\w.~+/=:-]{6,}/gi, `$1${HIDDEN}`],
  // tokens of k3s (https://docs.k3s.io/cli/token), and hashes of crypt(5)
  [/\bK10[0-9a-f]{8,}::\S+/g, HIDDEN],
  [/\$(?:[1-9]\w?|y|gy|sha1)\$[\w./$,=-]{8,}/g, HIDDEN],
  // text that the YAML parser may have quoted
  [/(:\d+:\d+: ).*(: expected YAML)/g, "$1…$2"],
];

/** Up to the next space, without a closing quote. */
const PLAIN = `\\S+?(?=["']?(?:\\s|$))`;

const ASSIGNMENT = new RegExp(`(${SECRET_NAME}["']?\\s*[=:]\\s*)(${QUOTED}|${PLAIN})`, "gi");
const FLAG = new RegExp(`((?:^|\\s)--?${SECRET_NAME}\\s+)(${QUOTED}|(?!-)${PLAIN})`, "gi");

/** A text without known secrets, and without anything that looks like a secret. */
export function redactText(text: string, { texts, words }: Secrets = NONE): string {
  let redacted = text;
  for (const secret of texts.toSorted((a, b) => b.length - a.length)) {
    redacted = redacted.replaceAll(secret, HIDDEN);
  }
  if (words.size > 0) redacted = redacted.replaceAll(LONG_WORD, (word) => (words.has(word) ? HIDDEN : word));
  for (const [pattern, replacement] of RULES) redacted = redacted.replaceAll(pattern, replacement);
  for (const pattern of [ASSIGNMENT, FLAG]) {
    redacted = redacted.replaceAll(pattern, (_, before: string, value: string) => {
      const [quote = ""] = /^["']/.exec(value) ?? [];
      return `${before}${quote}${HIDDEN}${quote}`;
    });
  }
  return redacted;
}

/** Arguments of a program without the values of secret flags. */
export function redactArguments(args: readonly string[]): string[] {
  const flag = new RegExp(`^--?${SECRET_NAME}$`, "i");
  return args.map((arg, at) => {
    const before = args[at - 1] ?? "";
    return flag.test(before) && !arg.startsWith("-") ? HIDDEN : redactText(arg);
  });
}

/** {@link redactText} for every string in a JSON value. */
export function redactJson<T>(value: T, redact: (text: string) => string): T {
  if (typeof value === "string") return redact(value) as T;
  if (Array.isArray(value)) return value.map((item) => redactJson(item, redact)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, redactJson(item, redact)])) as T;
}
