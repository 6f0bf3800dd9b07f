import { remaster } from "../../install/remaster/remaster-iso.ts";
import type { MenuEntry } from "../../install/remaster/remaster-menu.ts";
import { systemHost } from "../../tools/host/host.ts";

/** Copies a k3OS ISO with other kernel parameters and another default entry, without output. */
export async function remasterMenu(
  input: string,
  { startsBy, words }: { readonly startsBy: MenuEntry; readonly words: readonly string[] },
  output: string,
): Promise<void> {
  const silent = { update: () => undefined, finish: () => undefined, [Symbol.dispose]: () => undefined };
  const host = { ...systemHost(), print: () => undefined, progress: () => silent };
  await remaster(
    { input, output, config: undefined, add: undefined, images: [], cmdline: words.join(" "), startsBy },
    host,
  );
}
