import { afterAll, beforeAll, expect } from "bun:test";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Finding } from "../../lib/inspect/doctor-check.ts";
import { generateKey, type SshKey, type SshTarget, ssh, sshArgv, sshOutput } from "../../lib/make/vm/ssh.ts";
import { reachNode, waitUntilApplied } from "../../lib/make/vm/virtual-node.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { testOf } from "../support/left-out.ts";
import { bootKernel, makeStateDisk } from "../support/state-disk.ts";

const MINUTE = 60_000;

let scratch: string;
let key: SshKey;
let disk: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "k3os-ssh-settings-"));
  key = await generateKey(scratch);
  disk = await makeStateDisk("ssh-settings", {
    config: JSON.stringify({ ssh_authorized_keys: [key.publicKey], k3os: { k3s_args: ["agent"] } }),
    k3s: "#!/bin/sh\nexec sleep infinity\n",
  });
}, 6 * MINUTE);

afterAll(() => {
  for (const path of [scratch, disk]) if (path !== undefined) rmSync(path, { recursive: true, force: true });
});

testOf("long")(
  "sshd starts on the image's settings where it refuses those of /etc/ssh, and on these again when they are mended",
  async () => {
    await using machine = await bootKernel({ name: "ssh-settings", disks: [disk], ssh: true });
    const node = await reachNode(machine, key);
    await waitUntilApplied(node);
    const shell = (command: string) => sshOutput(node, command);
    expect(await sshServerOf(node)).toBe("ok");
    const settings = "/etc/ssh/sshd_config";
    copyFileSync(key.file, `${key.file}-new`);
    const fresh = { ...node, key: { ...key, file: `${key.file}-new` } };
    for (const text of ["PasswordAuthentication yes\\nNoSuchKeyword yes\\n", "# nothing\\n"]) {
      await shell(`printf '${text}' | sudo tee ${settings} /etc/ssh/sshd_config.d/x.conf`);
      await ssh(node, "sudo systemctl restart ssh");
      await shell("timeout 60 sh -c 'until systemctl is-active -q ssh-image; do sleep 0.5; done'");
      expect(await shell("systemctl is-failed ssh")).toBe("failed");
      // by a connection of its own
      expect(await sshOutput(fresh, "sudo -n id -u")).toBe("0");
      await runProgram([...sshArgv(fresh), "-O", "exit"], { check: false });
      expect(await sshServerOf(node)).toBe("failure");
    }
    await shell(
      `sudo rm /etc/ssh/sshd_config.d/x.conf; echo PasswordAuthentication yes | sudo tee ${settings}`,
    );
    await shell("sudo systemctl restart ssh");
    expect(await shell("systemctl is-active ssh; systemctl is-active ssh-image || true")).toBe(
      "active\ninactive",
    );
    expect(await sshServerOf(node)).toBe("warning");
  },
  12 * MINUTE,
);

/** What the doctor says of the ssh server. */
async function sshServerOf(node: SshTarget): Promise<string | undefined> {
  const { stdout } = await ssh(node, "sudo k3os doctor --json");
  return (JSON.parse(stdout) as Finding[]).find(({ check }) => check === "ssh server")?.state;
}
