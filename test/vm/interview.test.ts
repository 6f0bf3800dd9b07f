import { afterAll, beforeAll, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { logIn } from "../../lib/make/vm/console-login.ts";
import { type Machine, startMachine } from "../../lib/make/vm/qemu.ts";
import { bootDisk, createHardware, type Hardware, within } from "../../lib/make/vm/virtual-node.ts";
import { ARTIFACTS } from "../support/image.ts";
import { makeUsedDisk } from "../support/used-disk.ts";

const MINUTE = 60_000;
const [PASSWORD, TOKEN] = ["open-sesame", "cluster-secret"];

/** What a script types once the first question is shown: a disk is there, the only one, so that nothing is asked of it. */
const ANSWERS = [
  [/Choose operation/, "\r"],
  [/cloud-init file\? \(y\/N\)/, "\r"],
  [/SSH\? \(y\/N\)/, "\r"],
  [/Password for rancher/, `${PASSWORD}\r`],
  [/The same again/, `${PASSWORD}\r`],
  [/WiFi\? \(y\/N\)/, "\r"],
  [/Run as server or agent\?/, "\r"],
  [/Token or cluster secret/, `${TOKEN}\r`],
  [/Erase everything on .* \(y\/N\)/, "y\r"],
] as const;

let hardware: Hardware;

beforeAll(() => {
  const size = 4 * 1024 ** 3;
  hardware = createHardware("interview", { firmware: "uefi" }, size);
  makeUsedDisk(hardware.disk, { table: "dos", size });
});

afterAll(() => {
  for (const path of [hardware.disk, hardware.efiVariables]) rmSync(path, { force: true });
});

test(
  "the medium boots by UEFI from a CD to a login without password, and asks a person what to install",
  async () => {
    const { efiVariables, disk } = hardware;
    await using machine = await startMachine({
      ...{ name: "interview-live", firmware: "uefi", memory: 2048, efiVariables },
      ...{ cdrom: `${ARTIFACTS}/k3os-amd64.iso`, disks: [disk] },
    });
    const { console } = machine;
    await console.expect(/k3OS LiveCD & Installer/, { timeout: 2 * MINUTE });
    console.send("\r");
    await logIn(machine);
    expect(await say(machine, "sudo cat /run/k3os/mode")).toBe("live");
    console.send("sudo k3os install\r");
    const [[first]] = ANSWERS;
    await console.expect(first, { timeout: 2 * MINUTE });
    console.send(ANSWERS.map(([, keys]) => keys).join(""));
    for (const [question] of ANSWERS.slice(1)) await console.expect(question, { timeout: 2 * MINUTE });
    await console.expect(/is installed on \/dev\/vda/, { timeout: 8 * MINUTE });
    await within(machine.exited, 3 * MINUTE, "The machine did not restart");
    expect(console.text()).not.toContain(PASSWORD);
  },
  20 * MINUTE,
);

test(
  "the disk boots, and the password lets in",
  async () => {
    await using machine = await bootDisk(hardware, { boot: "disk" });
    await logIn(machine, PASSWORD);
    expect(await say(machine, "cat /run/k3os/mode")).toBe("local");
    const config = await say(machine, "sudo cat /k3os/system/config.yaml");
    expect(config).toMatch(/password: "?\$6\$/);
    expect(config).toContain(`token: ${TOKEN}`);
    expect(config).not.toContain(PASSWORD);
  },
  15 * MINUTE,
);

test(
  "a reset makes it new, but for what is kept",
  async () => {
    const hostKey = "cat /etc/ssh/ssh_host_ed25519_key.pub";
    let before = "";
    {
      await using machine = await bootDisk(hardware, { boot: "before-reset" });
      await logIn(machine, PASSWORD);
      before = await say(machine, hostKey);
      await say(
        machine,
        "sudo sh -c 'echo x >/opt/gone; echo x >/home/rancher/gone; cp /etc/machine-id /etc/ssh/old-id'; echo ok",
      );
      machine.console.send("sudo k3os reset --keep /etc/ssh --yes --reboot\r");
      await within(machine.exited, 3 * MINUTE, "The machine did not restart");
    }
    await using machine = await bootDisk(hardware, { boot: "after-reset" });
    await logIn(machine, PASSWORD);
    expect(await say(machine, hostKey)).toBe(before);
    expect(await say(machine, "ls /opt /home/rancher; echo none")).toBe("/home/rancher: /opt: none");
    expect(await say(machine, "cmp -s /etc/machine-id /etc/ssh/old-id && echo same || echo new")).toBe("new");
  },
  20 * MINUTE,
);

/** What a command prints, its lines joined by blanks; the brackets tell it from the command and from the kernel's messages. */
async function say({ console }: Machine, command: string): Promise<string> {
  console.send(`printf '<%s>\\n' "$(echo $(${command}))"\r`);
  const [, output = ""] = await console.expect(/<([^%>][^>]*)>/, { timeout: 2 * MINUTE });
  return output;
}
