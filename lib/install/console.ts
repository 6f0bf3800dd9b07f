/**
 * The values of the installed kernel's `console=` parameters; the last becomes /dev/console. The requested terminal, or
 * the serial one that the installer runs on, comes after tty1, as in the original. Otherwise the installed system gets
 * the consoles of the running one, so that a system installed over a serial line is accessible there.
 */
export function consolesOf(
  tty: string | undefined,
  running: { readonly terminal: string | undefined; readonly cmdline: string },
): string[] {
  if (tty !== undefined) return tty === "tty1" || tty === "console" ? ["tty1"] : ["tty1", tty];
  const words = running.cmdline.split(/\s+/).filter((word) => word.startsWith("console="));
  const consoles = words.map((word) => word.slice("console=".length)).filter((value) => SAFE.test(value));
  const serial = /^\/dev\/(tty[A-Z]+\d+)$/.exec(running.terminal ?? "")?.[1];
  if (serial !== undefined) return ["tty1", consoles.find((value) => nameOf(value) === serial) ?? serial];
  const unique = consoles.filter((value, at) => consoles.findLastIndex((other) => same(other, value)) === at);
  const named = unique.map((value) => (value === "tty0" ? "tty1" : value));
  return named.includes("tty1") ? [...new Set(named)] : ["tty1", ...named];
}

const SAFE = /^[A-Za-z]+\d*(,\w+)?$/;

function nameOf(value: string): string {
  return value.split(",")[0] ?? "";
}

function same(a: string, b: string): boolean {
  return nameOf(a) === nameOf(b);
}
