import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FileServer, serveFiles } from "../../lib/make/vm/http-server.ts";
import { HOST_ADDRESS, type MachineOptions } from "../../lib/make/vm/qemu.ts";
import { generateKey, type SshKey, sshOutput } from "../../lib/make/vm/ssh.ts";
import { reachNode, waitUntilApplied } from "../../lib/make/vm/virtual-node.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { describeLong } from "../support/left-out.ts";
import { bootKernel, makeStateDisk } from "../support/state-disk.ts";

const MINUTE = 60_000;

let scratch: string;
let key: SshKey;
let disk: string;
let server: FileServer;

/** What a cloud tells a new machine. */
function userData(name: string): string {
  return `#cloud-config
hostname: ${name}
ssh_authorized_keys: ["${key.publicKey}"]
run_cmd: ["echo ${name} > /run/told"]
`;
}

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "k3os-datasource-"));
  key = await generateKey(scratch);
  disk = await makeStateDisk("datasource", { config: "k3os: {data_sources: [auto]}\n" });
  server = await serveFiles({
    "/seed/user-data": userData("by-serial-number"),
    "/seed/meta-data": "instance-id: i-1\n",
  });
}, 6 * MINUTE);

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  for (const path of [scratch, disk]) if (path !== undefined) rmSync(path, { recursive: true, force: true });
});

describe("a machine that knows nothing but to look for a data source", () => {
  test(
    "is told by a disc labelled cidata",
    async () => {
      const seed = join(scratch, "cidata");
      mkdirSync(seed);
      writeFileSync(join(seed, "user-data"), userData("by-disc"));
      writeFileSync(join(seed, "meta-data"), "instance-id: i-2\n");
      const cdrom = join(scratch, "cidata.iso");
      await runProgram([
        "xorriso",
        "-as",
        "mkisofs",
        "-quiet",
        "-V",
        "cidata",
        "-J",
        "-R",
        "-o",
        cdrom,
        seed,
      ]);
      await expectTold("by-disc", { cdrom, dhcpName: "by-dhcp" });
    },
    10 * MINUTE,
  );
});

describeLong("a machine that knows nothing but its serial number", () => {
  test(
    "is told by the URL in that",
    async () => {
      const serial = `ds=nocloud;s=http://${HOST_ADDRESS}:${server.port}/seed/`;
      await expectTold("by-serial-number", { extra: ["-smbios", `type=1,serial=${serial}`] });
      expect(server.requests).toContain("/seed/user-data");
    },
    10 * MINUTE,
  );
});

/** Boots the disk; that the key lets us in is the first thing that user data has to do. */
async function expectTold(name: string, hardware: Partial<MachineOptions>): Promise<void> {
  await using machine = await bootKernel({
    name: `datasource-${name}`,
    disks: [disk],
    ssh: true,
    ...hardware,
  });
  const node = await reachNode(machine, key);
  await waitUntilApplied(node);
  expect(await sshOutput(node, "hostname; cat /run/told")).toBe(`${name}\n${name}`);
  expect(await sshOutput(node, "stat -c %a /run/config/userdata; cat /run/config/provider | wc -l")).toMatch(
    /^600\n/,
  );
  expect(await sshOutput(node, "systemctl show -P Result cloud-config ccapply")).toBe("success\n\nsuccess");
}
