import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKey, type SshKey, sshOutput } from "../../lib/make/vm/ssh.ts";
import { reachNode, waitUntilApplied } from "../../lib/make/vm/virtual-node.ts";
import { bootKernel, makeStateDisk } from "../support/state-disk.ts";

const MINUTE = 60_000;

let scratch: string;
let key: SshKey;
let disk: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "k3os-hostname-"));
  key = await generateKey(scratch);
  disk = await makeStateDisk("hostname", {
    config: JSON.stringify({
      hostname: "by-config",
      k3os: { k3s_args: ["agent"], data_sources: ["auto"] },
    }),
    k3s: "#!/bin/sh\nuname -n >> /var/lib/k3s-names\nexec sleep infinity\n",
  });
}, 6 * MINUTE);

afterAll(() => {
  for (const path of [scratch, disk]) if (path !== undefined) rmSync(path, { recursive: true, force: true });
});

test(
  "a name that DHCP offers is the machine's before k3s starts, and stays it; user data comes from fw_cfg",
  async () => {
    // whoever lets us in is told by the machine's firmware
    const userData = join(scratch, "user-data");
    const told = { ssh_authorized_keys: [key.publicKey], run_cmd: ["echo told > /run/told"] };
    writeFileSync(userData, `#cloud-config\n${JSON.stringify(told)}`);
    await using machine = await bootKernel({
      name: "hostname",
      disks: [disk],
      ssh: true,
      dhcpName: "by-dhcp",
      extra: ["-fw_cfg", `name=opt/k3os/userdata,file=${userData}`],
    });
    const node = await reachNode(machine, key);
    await waitUntilApplied(node);
    const shell = (command: string) => sshOutput(node, command);
    expect(await shell("cat /run/told; stat -c %a /run/config/userdata")).toBe("told\n600");
    await shell("timeout 60 sh -c 'until [ -s /var/lib/k3s-names ]; do sleep 0.1; done'");
    expect(await shell("uname -n; cat /etc/hostname /var/lib/k3s-names")).toBe("by-dhcp\nby-config\nby-dhcp");
    expect(await shell("getent hosts by-dhcp")).toBe("127.0.1.1       by-dhcp by-dhcp.localdomain");
    // what follows would rename it if connman could, or if the configuration were applied without regard to DHCP
    await shell("sudo systemctl restart connman connman-wait-online && sudo k3os config");
    expect(await shell("uname -n")).toBe("by-dhcp");
  },
  10 * MINUTE,
);
