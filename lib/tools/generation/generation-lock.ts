import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { tryLock } from "../host/sys.ts";
import { CommandError } from "../text/errors.ts";

/**
 * Prevents other upgrades of the machine until the scope or the process ends. The file stays, because the next upgrade
 * locks it by name; it holds the process id for the user. Throws CommandError while another upgrade runs.
 */
export function lockUpgrade(path: string): Disposable {
  const fd = openLock(path);
  try {
    if (!tryLock(fd)) {
      const owner = readFileSync(path, "utf8").trim();
      const who = owner === "" ? "" : ` (process ${owner})`;
      throw new CommandError(`Another upgrade is running${who}: it holds the lock "${path}"`);
    }
    ftruncateSync(fd);
    writeSync(fd, `${process.pid}\n`, 0);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return {
    [Symbol.dispose]: () => {
      ftruncateSync(fd);
      closeSync(fd);
    },
  };
}

function openLock(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, "a+", 0o644);
  } catch (cause) {
    throw new CommandError(`Cannot open the lock "${path}"`, { cause });
  }
}
