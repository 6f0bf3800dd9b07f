import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cmd } from "../../tools/host/cmd.ts";
import { type RunResult, runProgram } from "../../tools/host/host.ts";
import { within } from "../../tools/host/within.ts";

/** A key pair for one run. */
export interface SshKey {
  readonly file: string;
  /** The line for `ssh_authorized_keys`. */
  readonly publicKey: string;
}

/** Makes an ed25519 key pair in `directory`. */
export async function generateKey(directory: string): Promise<SshKey> {
  const file = join(directory, "id_ed25519");
  await runProgram(cmd`ssh-keygen -q -t ed25519 -N ${""} -C k3os-test -f ${file}`);
  return { file, publicKey: readFileSync(`${file}.pub`, "utf8").trim() };
}

export interface SshTarget {
  readonly port: number;
  readonly key: SshKey;
  /** Default `rancher`. */
  readonly user?: string;
}

/**
 * Runs a shell command on the guest and returns its status; 255 is an error of ssh itself.
 * Throws after `timeout` milliseconds (default two minutes).
 */
export function ssh(
  target: SshTarget,
  command: string,
  { timeout = 120_000 }: { readonly timeout?: number } = {},
): Promise<RunResult> {
  return runProgram(cmd`${sshArgv(target)} ${command}`, { check: false, timeout });
}

/** The standard output of a shell command on the guest, trimmed. Throws when the command fails. */
export async function sshOutput(target: SshTarget, command: string): Promise<string> {
  const { code, stdout, stderr } = await ssh(target, command);
  if (code !== 0) throw new Error(`"${command}" on the guest failed (status ${code}): ${stderr || stdout}`);
  return stdout.trim();
}

/** The `ssh` command line for a target, without the command to run. */
export function sshArgv({ port, key, user = "rancher" }: SshTarget): string[] {
  const options = {
    BatchMode: "yes",
    ConnectTimeout: "20",
    IdentitiesOnly: "yes",
    LogLevel: "ERROR",
    // the guest is new, on our own loopback, with a port that another guest has used before
    StrictHostKeyChecking: "no",
    UserKnownHostsFile: "/dev/null",
    // one connection for all commands: a key exchange takes a second on an emulated processor
    ControlMaster: "auto",
    ControlPath: `${key.file}.%r.%p`,
    ControlPersist: "60",
  };
  const flags = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  return ["ssh", "-F", "none", "-i", key.file, "-p", String(port), ...flags, `${user}@127.0.0.1`];
}

/**
 * Waits until a login is possible. Throws with ssh's last message after `timeout` milliseconds, or if the guest has
 * ended.
 */
export async function waitForSsh(
  target: SshTarget,
  { timeout, gone }: { readonly timeout: number; readonly gone: Promise<void> },
): Promise<void> {
  let over = false;
  const end = gone.then(() => {
    over = true;
  });
  const deadline = performance.now() + timeout;
  for (;;) {
    const { code, stderr } = await ssh(target, "true");
    if (code === 0) return;
    if (over) throw new Error("Machine ended while waiting for ssh");
    if (performance.now() > deadline) throw new Error(`No ssh within ${timeout / 1000} s: ${stderr.trim()}`);
    await within(500, end, () => undefined);
  }
}
