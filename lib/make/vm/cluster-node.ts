import { quoteArgv } from "../../tools/host/host.ts";
import { UNIT } from "../../tools/host/paths.ts";
import { type SshTarget, ssh } from "./ssh.ts";

const SECOND = 1000;
/** Milliseconds for what takes minutes on an emulated processor: the first start of a server, or the pull of an image. */
const PATIENCE = 900 * SECOND;

/**
 * Waits on a node until a shell command succeeds, and returns its output. Throws after `timeout` milliseconds, with the
 * command's last output and the end of k3s's journal.
 */
export async function waitFor(
  node: SshTarget,
  command: string,
  { timeout = PATIENCE }: { readonly timeout?: number } = {},
): Promise<string> {
  const seconds = Math.ceil(timeout / SECOND);
  const loop = `until ${command}; do sleep 2; done`;
  const { code, stdout, stderr } = await ssh(node, `timeout ${seconds} sh -c ${quoteArgv([loop])}`, {
    timeout: timeout + 60 * SECOND,
  });
  if (code === 0) return stdout.trim();
  const journal = await ssh(node, `sudo journalctl --no-pager -o cat -n 25 -u ${UNIT.k3s}`);
  const last = `${stdout}${stderr}`.trim().split("\n").slice(-10).join("\n");
  throw new Error(`Not within ${seconds} s: ${command}\n${last}\n\nEnd of k3s's journal:\n${journal.stdout}`);
}

/**
 * Waits on a server until the API calls the node Ready. Nothing asks the API before k3s says that it runs: each kubectl
 * takes seconds of an emulated processor.
 */
export async function waitUntilReady(
  server: SshTarget,
  name: string,
  { timeout = PATIENCE }: { readonly timeout?: number } = {},
): Promise<void> {
  await waitFor(server, `systemctl is-active --quiet ${UNIT.k3s}`, { timeout });
  for (const condition of ["create", "condition=Ready"])
    await waitForObject(server, `node/${name}`, { condition, timeout });
}

/** Waits on a server until an object (`node/NAME`) has a condition (`create`, `condition=Ready`), as kubectl's `--for`. */
export async function waitForObject(
  server: SshTarget,
  object: string,
  { condition, timeout = PATIENCE }: { readonly condition: string; readonly timeout?: number },
): Promise<void> {
  const wait = `timeout 120 sudo kubectl wait --for=${condition} ${object} --timeout=100s >/dev/null 2>&1`;
  try {
    await waitFor(server, wait, { timeout });
  } catch (cause) {
    const { stdout, stderr } = await ssh(server, `sudo kubectl describe ${object} | tail -40`);
    throw new Error(`No ${condition} of ${object}:\n${stdout}${stderr}`, { cause });
  }
}

/** The directory whose archives of images k3s imports. */
export const IMAGES = "/var/lib/rancher/k3s/agent/images";

/** The argument of a server that leaves out the parts of k3s whose pods need images from the Internet. */
export const WITHOUT_PARTS = "--disable=coredns,servicelb,traefik,local-storage,metrics-server";

/** The same of what k3OS brings: the upgrade controller and its Plans. */
export const WITHOUT_CONTROLLER = "--disable=system-upgrade-controller,k3os-latest";
