import { CommandError } from "../text/errors.ts";

/**
 * The path below /proc/sys of a key of sysctl(8): if its first separator is a dot, dots separate and a slash means a
 * dot in a name (`net.ipv4.conf.eth0/100.rp_filter`); if it is a slash, the other way round. Throws CommandError for an
 * invalid key.
 */
export function sysctlPath(key: string): string {
  const text = key.trim();
  const first = /[./]/.exec(text)?.[0];
  const swapped = text.replace(/[./]/g, (char) => (char === "." ? "/" : "."));
  const path = first === "." ? swapped : text;
  const parts = path.split("/");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it searches for them
  const odd = /[\s\x00-\x1f\x7f=*?[\]]/;
  const isGood = (part: string) => part !== "" && part !== "." && part !== ".." && !odd.test(part);
  if (parts.length > 1 && parts.every(isGood)) return path;
  throw new CommandError(
    `Found the kernel setting ${JSON.stringify(key)}: expected a name such as "kernel.printk"`,
  );
}
