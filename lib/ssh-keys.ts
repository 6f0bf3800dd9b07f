/** The keys in a text, one a line, and how many lines are neither key, comment nor blank. */
export function readKeys(text: string): { keys: string[]; rejected: number } {
  const lines = text.split("\n").map((line) => line.trim());
  const content = lines.filter((line) => line !== "" && !line.startsWith("#"));
  const keys = content.filter(isKey);
  return { keys, rejected: content.length - keys.length };
}

/**
 * Whether a line is a key as sshd(8) reads it: options perhaps, a type, and base64 that begins with the name of the same
 * type (RFC 4253, 6.6). No control character may be in it.
 */
export function isKey(line: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(line)) return false;
  const match =
    /(?:^|[ \t])((?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+)[ \t]+([A-Za-z0-9+/]+={0,2})(?:[ \t]|$)/.exec(
      line,
    );
  const [, type = "", base64 = ""] = match ?? [];
  const blob = Buffer.from(base64, "base64");
  return blob.length >= 4 && blob.toString("latin1", 4, 4 + blob.readUInt32BE(0)) === type;
}
