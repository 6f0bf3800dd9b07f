/**
 * The files of `available` that modules with the `declared` names (modinfo's `firmware` fields, paths below
 * lib/firmware, `*` and `?` allowed) may load. If a declared version is missing (`iwlwifi-so-a0-jf-b0-89.ucode`), the
 * newest older one is used, as the driver does.
 */
export function selectFirmware(declared: readonly string[], available: readonly string[]): string[] {
  const files = new Set(available);
  const selected = new Set<string>();
  for (const name of declared) {
    if (files.has(name)) selected.add(name);
    else if (/[*?[]/.test(name)) for (const file of matching(name, available)) selected.add(file);
    else {
      const older = newestOlder(name, available);
      if (older !== undefined) selected.add(older);
    }
  }
  return [...selected].sort();
}

function matching(pattern: string, available: readonly string[]): string[] {
  const source = pattern
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", "[^/]*")
    .replaceAll("?", "[^/]");
  const expression = new RegExp(`^${source}$`);
  return available.filter((file) => expression.test(file));
}

function newestOlder(name: string, available: readonly string[]): string | undefined {
  const [, prefix, version, suffix] = /^(.*-)(\d+)(\.\w+)$/.exec(name) ?? [];
  if (prefix === undefined || suffix === undefined) return undefined;
  let best: { file: string; version: number } | undefined;
  for (const file of available) {
    if (!file.startsWith(prefix) || !file.endsWith(suffix)) continue;
    const text = file.slice(prefix.length, file.length - suffix.length);
    const number = Number(text);
    if (!/^\d+$/.test(text) || number > Number(version)) continue;
    if (best === undefined || number > best.version) best = { file, version: number };
  }
  return best?.file;
}
