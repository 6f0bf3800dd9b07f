import { remaster } from "../../install/remaster/remaster-iso.ts";
import type { MenuEntry } from "../../install/remaster/remaster-menu.ts";
import { systemHost } from "../../tools/host/host.ts";

/** Copies a k3OS ISO with kernel parameters of its own, and another entry that starts by itself; says nothing. */
export async function remasterMenu(
  input: string,
  { startsBy, words }: { readonly startsBy: MenuEntry; readonly words: readonly string[] },
  output: string,
): Promise<void> {
  const silent = { update: () => undefined, finish: () => undefined, [Symbol.dispose]: () => undefined };
  const host = { ...systemHost(), print: () => undefined, progress: () => silent };
  await remaster(
    { input, output, config: undefined, add: undefined, cmdline: words.join(" "), startsBy },
    host,
  );
}
