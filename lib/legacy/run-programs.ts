import type { Host } from "../tools/host/host.ts";

/** Runs programs on our own terminal, one after the other, until one fails. Returns the last exit status. */
export async function runPrograms(
  programs: readonly (readonly string[])[],
  host: Pick<Host, "run">,
): Promise<number> {
  for (const argv of programs) {
    const { code } = await host.run(argv, { stdio: "inherit", check: false });
    if (code !== 0) return code;
  }
  return 0;
}
