import type { Machine } from "./qemu.ts";

const MINUTE = 60_000;

/** Logs in as rancher on a machine's console, and waits for the shell. A live system needs no password. */
export async function logIn({ console }: Pick<Machine, "console">, password?: string): Promise<void> {
  await console.expect(/login: /, { timeout: 10 * MINUTE });
  console.send("rancher\r");
  if (password !== undefined) {
    await console.expect(/Password: /, { timeout: MINUTE });
    console.send(`${password}\r`);
  }
  await console.expect(/\]\$ /, { timeout: 2 * MINUTE });
}
