import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { CommandError } from "../errors.ts";
import { tryLock } from "../sys.ts";

/**
 * Makes this the only upgrade of a machine until the scope ends. The kernel holds the lock, and gives it up when this
 * process ends in whatever way: what is left of the file means nothing. Throws CommandError while another one runs.
 */
export function lockUpgrade(path: string): Disposable {
  const fd = openLock(path);
  try {
    if (tryLock(fd)) return { [Symbol.dispose]: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  closeSync(fd);
  throw new CommandError(`Another upgrade is running: it holds the lock "${path}"`);
}

function openLock(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, "a", 0o644);
  } catch (cause) {
    throw new CommandError(`Cannot open the lock "${path}"`, { cause });
  }
}
