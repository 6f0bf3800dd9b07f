import { bringUpNetwork } from "../../lib/boot/network/bring-up.ts";
import { networkWords } from "../../lib/boot/network/words.ts";
import { systemClock, systemHost } from "../../lib/tools/host/host.ts";
import { createLog } from "../../lib/tools/host/log.ts";
import { messageOf } from "../../lib/tools/text/errors.ts";

/**
 * The program of {@link networkPair}: brings the network up below a root, and prints its log. Drivers are all there.
 * `hurried`: a card or a link that is not there now never will be.
 */
async function bringUp(root: string, cmdline: string, hurried: boolean): Promise<void> {
  const log = createLog((line) => process.stdout.write(line));
  const { sleep, ...time } = systemClock;
  const clock = { ...time, sleep: (milliseconds: number) => sleep(hurried ? 1 : milliseconds) };
  const host = { ...systemHost({ root, log }), clock };
  const modules = { loadNew: async () => undefined };
  try {
    await bringUpNetwork(networkWords(cmdline), ["192.0.2.99"], modules, host);
  } catch (error) {
    log.error(messageOf(error));
  }
}

const [, , root = "", cmdline = "", pace] = process.argv;
await bringUp(root, cmdline, pace === "hurried");
