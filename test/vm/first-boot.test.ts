import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { generateKey, type SshKey, ssh, sshOutput } from "../../lib/make/vm/ssh.ts";
import { FAILED_UNITS, reachNode } from "../../lib/make/vm/virtual-node.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { describeLong } from "../support/left-out.ts";
import { bootKernel, makeStateDisk } from "../support/state-disk.ts";

const MINUTE = 60_000;

/** What the console shows when the power goes, and how many milliseconds later it does. */
const MOMENTS: readonly (readonly [pattern: RegExp, later: number])[] = [
  [/Boot: journal/, 0],
  [/Boot: initrd configuration/, 0],
  [/Boot: boot configuration/, 0],
  [/Boot: leave the old root/, 0],
  // the kernel commits the journal every 5 s, and writes data after 30
  [/Starting services/, 2_500],
  [/Starting services/, 7_000],
  [/ login: /, 0],
  [/ login: /, 9_000],
];

describeLong("a machine that loses its power during its first boot", () => {
  let scratch: string;
  let key: SshKey;
  let disk: string;

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), "k3os-first-boot-"));
    key = await generateKey(scratch);
    disk = await makeStateDisk("first-boot", {
      config: JSON.stringify({ ssh_authorized_keys: [key.publicKey], k3os: { k3s_args: ["agent"] } }),
      k3s: "#!/bin/sh\nexec sleep infinity\n",
    });
  }, 6 * MINUTE);

  afterAll(() => {
    for (const path of [scratch, disk])
      if (path !== undefined) rmSync(path, { recursive: true, force: true });
  });

  test.each(MOMENTS)(
    "at %p and %i ms starts as if nothing had been",
    async (pattern, later) => {
      const cut = join(scratch, "cut.img");
      await runProgram(["cp", "--sparse=always", disk, cut]);
      {
        await using machine = await bootKernel({ name: "first-boot-cut", disks: [cut] });
        await machine.console.expect(pattern, { timeout: 5 * MINUTE });
        await sleep(later);
      }
      await using machine = await bootKernel({ name: "first-boot-again", disks: [cut], ssh: true });
      const node = await reachNode(machine, key);
      const shell = (command: string) => sshOutput(node, command);
      for (const name of ["sshd_config", "ssh_config", "moduli"]) {
        await shell(`cmp /usr/etc/ssh/${name} /etc/ssh/${name}`);
      }
      expect(await shell("cat /var/lib/rancher/k3os/machine-id /etc/hostname")).toMatch(
        /^[0-9a-f]{32}\nk3os-\d+$/,
      );
      expect(await shell("uname -n; cat /etc/hostname")).toMatch(/^(k3os-\d+)\n\1$/);
      await shell("sudo /usr/lib/open-iscsi/startup-checks.sh");
      // everything that is kept is a text
      expect(await shell("sudo find /var/lib/rancher/k3os /var/lib/iscsi -type f -size 0")).toBe("");
      const lost = await ssh(node, "sudo grep -rlaP '\\x00' /var/lib/rancher/k3os /var/lib/iscsi");
      expect(lost).toMatchObject({ code: 1, stdout: "" });
      await shell("sudo sh -c 'for f in /etc/ssh/ssh_host_*_key; do ssh-keygen -y -f $f; done'");
      expect(await shell("sudo sshd -T | grep -E '^(password|kbdinter).*authentication'")).toBe(
        "passwordauthentication no\nkbdinteractiveauthentication no",
      );
      expect(await shell(FAILED_UNITS)).toBe("");
    },
    12 * MINUTE,
  );
});
