import { join } from "node:path";
import { cmd } from "../../lib/tools/host/cmd.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { targetOf } from "../../lib/tools/host/targets.ts";

/** Makes a k3s that prints a version, and ends with status 1 when it is to run, as the file `file`. */
export async function makeFailingK3s(version: string, file: string): Promise<void> {
  const source = join(import.meta.dirname, "failing-k3s.c");
  const define = `-DVERSION="${version}"`;
  await runProgram(cmd`${targetOf("amd64").triplet}-gcc -static -Os -s ${define} ${source} -o ${file}`);
}
