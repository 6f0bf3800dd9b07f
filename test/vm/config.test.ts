import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connmanSettings } from "../../lib/apply/dns-ntp.ts";
import { EVERY_PHASE, type Phase, type StructField } from "../../lib/config/schema/field.ts";
import { snakeCase } from "../../lib/config/schema/names.ts";
import { SCHEMA } from "../../lib/config/schema/schema.ts";
import { type FileServer, serveFiles } from "../../lib/make/vm/http-server.ts";
import { HOST_ADDRESS, type Machine } from "../../lib/make/vm/qemu.ts";
import { generateKey, type SshKey, type SshTarget, ssh, sshOutput } from "../../lib/make/vm/ssh.ts";
import { reachNode, waitUntilApplied, within } from "../../lib/make/vm/virtual-node.ts";
import { PROJECT } from "../support/sources.ts";
import { bootKernel, makeStateDisk } from "../support/state-disk.ts";

const MINUTE = 60_000;
const support = (name: string) => readFileSync(join(PROJECT, "test/support", name), "utf8");

/** Of the password "rancher". */
const PASSWORD =
  "$6$probe$qJ9PIyjSF3L.WDoS4Y/QhHpP0LRbQurvhxkR15dWGLLtW0aalb03qW02C.vM3UqjsvRdXcQ/T756ahnOInmnP1";

/** Every key that has a phase of its own in the boot; JSON is YAML. */
function probeConfig(key: SshKey, keysUrl: string): string {
  return JSON.stringify({
    ssh_authorized_keys: [key.publicKey, keysUrl],
    write_files: [
      { path: "/var/lib/probe/check", content: support("probe.sh"), permissions: "0755" },
      { path: "/home/rancher/.config/probe/file", content: "" },
      { path: "/etc/probe.conf", content: "probe\n", permissions: "0640", owner: "root:sudo" },
      {
        path: "/etc/local.d/probe.start",
        content: "#!/bin/bash\necho $PROBE > /run/probe-local\n",
        permissions: "0755",
      },
      {
        path: "/etc/local.d/waits.start",
        content: "#!/bin/sh\nuntil [ -e /run/cluster ]; do sleep 5; done\n",
        permissions: "0755",
      },
    ],
    hostname: "probed",
    init_cmd: ["touch /run/probe-init; cp /.base/injected.txt /run/", "/var/lib/probe/check initrd"],
    boot_cmd: ["touch /run/probe-boot; rc-update add crond", "/var/lib/probe/check boot"],
    run_cmd: [
      "touch /run/probe-run",
      "sudo ifconfig lo up",
      // the recipe of boxes for Vagrant, each time that commands are run
      "grep -q ^vagrant /etc/passwd || sudo sed -e '/^rancher/p' -e 's/^rancher/vagrant/' -i /etc/passwd",
      "sleep 1234 >/dev/null 2>&1 &",
    ],
    k3os: {
      data_sources: ["file=/var/lib/probe/no-userdata"],
      modules: ["brd rd_nr=2 rd_size=64"],
      sysctls: { "vm.swappiness": 7 },
      timezone: "US/Pacific",
      ntp_servers: ["ntp.example"],
      dns_nameservers: ["192.0.2.53"],
      wifi: [{ name: "probe-net", passphrase: "probe-passphrase" }],
      password: PASSWORD,
      server_url: "https://server.example:6443",
      token: "probe-token",
      labels: { probe: "yes" },
      k3s_args: ["agent", "--with-node-id"],
      environment: { PROBE: "a $b" },
      taints: ["probe=yes:NoSchedule"],
      k3s_config: { "kubelet-arg": ["max-pods=42"] },
      registries: {
        mirrors: { "registry.example": { endpoint: ["https://mirror.example"] } },
        configs: { "registry.example": { auth: { username: "probe-puller", password: "secret" } } },
      },
      ssh_keys_refresh: "2h",
    },
  });
}

/** In the place of files that are generated. connman tells of an option that it does not know when it reads its file. */
const OWN_FILES = [
  { path: "/etc/connman/main.conf", content: `${connmanSettings([], [])}Probe=1\n` },
  { path: "/etc/resolv.conf", content: "nameserver 192.0.2.54\n" },
  { path: "/etc/issue", content: "a probe\n" },
];
const OWN_CONFIG = "/var/lib/rancher/k3os/config.d/70-files";

/** Keys that no boot applies, but the installer. */
const isInstallKey = (path: string) => path.startsWith("k3os.install.");

/** The table of the reference: each key, and in which phases of a boot it takes effect. */
function declaredPhases(struct: StructField, prefix = ""): Record<string, readonly Phase[]> {
  const rows = Object.entries(struct.fields).map(([name, field]) => {
    const path = `${prefix}${snakeCase(name)}`;
    return field.kind === "struct" ? declaredPhases(field, `${path}.`) : { [path]: field.phases ?? [] };
  });
  return Object.assign({}, ...rows);
}

let scratch: string;
let disk: string;
let key: SshKey;
let server: FileServer;
let machine: Machine;
let node: SshTarget;

const shell = (command: string) => sshOutput(node, command);

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "k3os-config-"));
  key = await generateKey(scratch);
  const other =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl other@example";
  server = await serveFiles({ "/keys": `${other}\n` });
  const config = probeConfig(key, `http://${HOST_ADDRESS}:${server.port}/keys`);
  disk = await makeStateDisk("config", { config, k3s: support("k3s.sh") });
  machine = await bootKernel({
    name: "config",
    disks: [disk],
    ssh: true,
    injected: { "injected.txt": "injected\n" },
    extra: [
      ...["-device", "virtio-serial-pci", "-chardev", "null,id=agent"],
      ...["-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"],
    ],
  });
  node = await reachNode(machine, key);
  await waitUntilApplied(node);
}, 12 * MINUTE);

afterAll(async () => {
  await machine?.kill();
  await server?.[Symbol.asyncDispose]();
  for (const path of [scratch, disk]) if (path !== undefined) rmSync(path, { recursive: true, force: true });
});

describe("a configuration with every key", () => {
  test("has each of them in effect after the phases of the reference, and after no other", async () => {
    await shell("sudo /var/lib/probe/check runtime");
    const declared = Object.entries(declaredPhases(SCHEMA)).filter(([path]) => {
      // the embedded registry is an option of servers, and this is an agent
      return !isInstallKey(path) && path !== "k3os.registries.embedded";
    });
    for (const phase of EVERY_PHASE) {
      const lines = (await shell(`cat /var/lib/probe/${phase}`)).split("\n");
      const wanted = declared.map(([path, phases]) => `${path} ${phases.includes(phase) ? "yes" : "no"}`);
      expect({ phase, found: lines.sort() }).toEqual({ phase, found: wanted.sort() });
    }
  });

  test("is applied without a failure", async () => {
    expect(await shell("systemctl show -P Result ccapply")).toBe("success");
    expect(await shell("systemctl list-units --failed --plain --no-legend")).toBe("");
    const journal = await shell("sudo cat /var/lib/rancher/k3os/boot/boot.log");
    expect(journal).not.toMatch(/\b(Error|Warning):/);
  });

  test("changes nothing when it is applied again", async () => {
    await shell("sudo k3os config"); // what succeeded twice in a row is written down once more
    await shell("sudo touch /run/before && sudo k3os config");
    const places = "/etc /home/rancher /var/lib/connman /var/lib/rancher /var/lib/probe /usr/local";
    expect(await shell(`sudo find ${places} -newer /run/before`)).toBe("");
    const { stderr } = await ssh(node, "sudo k3os config --dry-run");
    const changes = stderr.split("\n").filter((line) => !line.startsWith("Would run run_cmd["));
    expect(changes.join("")).toBe("");
  });

  test("adds keys fetched with the network to those written down", async () => {
    expect(await shell("grep -c '^ssh-' ~/.ssh/authorized_keys")).toBe("2");
  });

  test("does what recipes for the original do", async () => {
    expect(await sshOutput({ ...node, user: "vagrant" }, "sudo id -un; cat /run/injected.txt")).toBe(
      "root\ninjected",
    );
    expect(await shell("systemctl is-active crond multi-user.target")).toBe("active\nactive");
    expect(await shell("stat -c %U ~/.config ~/.config/probe")).toBe("rancher\nrancher");
    // in the background of a command
    expect(await shell("pgrep --full --exact 'sleep 1234' | wc -l")).not.toBe("0");
    expect(await shell("date +%Z")).toMatch(/^P[SD]T$/);
    // a script that waits for ever
    expect(
      await shell("systemctl show -P ActiveState local; pgrep --full local.d/[w]aits >/dev/null; echo $?"),
    ).toBe("active\n0");
  });

  test("reaches logins, services and the scripts in local.d", async () => {
    expect(await shell("echo $PROBE")).toBe("a $b");
    expect(await shell("cat /run/probe-local")).toBe("a $b");
    expect(await shell("sudo grep ^PROBE= /var/lib/k3s-fixture/environment")).toBe("PROBE=a $b");
  });

  test("starts k3s with its arguments, and with its secrets in the environment", async () => {
    const version = (await shell("k3os --version")).replace("k3os version ", "");
    expect((await shell("cat /var/lib/k3s-fixture/arguments")).split("\n")).toEqual([
      ...["agent", "--with-node-id"],
      ...["--node-label", "k3os.io/mode=local", "--node-label", `k3os.io/version=${version}`],
      ...["--node-label", "probe=yes"],
      ...["--kubelet-arg", "register-with-taints=probe=yes:NoSchedule"],
    ]);
    expect(await shell("sudo grep ^K3S_ /var/lib/k3s-fixture/environment")).toBe(
      "K3S_KUBECONFIG_GROUP=sudo\nK3S_KUBECONFIG_MODE=0640\nK3S_TOKEN=probe-token\nK3S_URL=https://server.example:6443",
    );
    expect(await shell("for name in kubectl crictl ctr; do $name; done")).toBe(
      "kubectl of k3s\ncrictl of k3s\nctr of k3s",
    );
  });

  test("says why kubectl has no cluster on an agent, and which server has", async () => {
    expect(await shell("kubectl get nodes 2>&1 || true")).toBe(
      "Error: This node is an agent and has no kubeconfig: run kubectl on the server, https://server.example:6443",
    );
  });

  test("finds k3s by the names that its own script gives it, without sudo in the journal", async () => {
    expect(await shell("systemctl show --property Id --value k3s k3s-agent | sort -u | grep .")).toBe(
      "k3s-service.service",
    );
    for (const name of ["k3s", "k3s-agent", "k3s-service"]) {
      const lines = (await shell(`journalctl -b --no-pager -o cat -u ${name}`)).split("\n");
      expect(lines).toContain("Started k3s-service.service - Lightweight Kubernetes.");
      expect(lines).toContain("Stands for k3s");
    }
  });

  test("restarts k3s for a change, and only then", async () => {
    const starts = () => shell("grep -c started /var/lib/k3s-fixture/starts");
    expect(await starts()).toBe("1");
    await shell("echo 'k3os: {labels: {probe: changed}}' | sudo tee /var/lib/rancher/k3os/config.d/50-label");
    await shell("sudo k3os config");
    await shell(
      "timeout 60 sh -c 'until [ $(grep -c started /var/lib/k3s-fixture/starts) = 2 ]; do sleep 0.1; done'",
    );
    expect(await shell("grep probe=changed /var/lib/k3s-fixture/arguments")).toBe("probe=changed");
    await shell("sudo rm /var/lib/rancher/k3os/config.d/50-label");
  });

  test("takes a key away that left the configuration, and no other", async () => {
    await shell("echo '# mine' >> ~/.ssh/authorized_keys");
    const only = JSON.stringify({ ssh_authorized_keys: [key.publicKey] });
    await shell(`echo '${only}' | sudo tee /var/lib/rancher/k3os/config.d/60-keys >/dev/null`);
    await shell("sudo k3os config");
    expect(
      await shell("grep -c '^ssh-' ~/.ssh/authorized_keys; grep -c '^# mine' ~/.ssh/authorized_keys"),
    ).toBe("1\n1");
    await shell("sudo rm /var/lib/rancher/k3os/config.d/60-keys && sudo k3os config");
  });
});

describe("the running system", () => {
  test("shows its addresses above the login prompt", async () => {
    expect(await shell("cat /etc/issue")).toMatch(/^eth0 +UP +10\.0\.2\.15\/24/m);
  });

  test("has the hypervisor's agent, and the clock's", async () => {
    expect(await shell("systemctl is-active qemu-guest-agent systemd-timesyncd")).toBe("active\nactive");
  });
});

describe("a boot without a network", () => {
  beforeAll(async () => {
    await shell("sudo touch /var/lib/probe/done");
    await shell(`echo '${JSON.stringify({ write_files: OWN_FILES })}' | sudo tee ${OWN_CONFIG} >/dev/null`);
    await machine.powerDown();
    await within(machine.exited, 4 * MINUTE, "The machine did not switch itself off");
    machine = await bootKernel({ name: "config-offline", disks: [disk], network: "silent" });
    const { console } = machine;
    await console.expect(/login: /, { timeout: 6 * MINUTE });
    console.send("rancher\r");
    await console.expect(/Password: /, { timeout: 2 * MINUTE });
    console.send("rancher\r");
    await console.expect(/\$ /, { timeout: 2 * MINUTE });
  }, 12 * MINUTE);

  test(
    "lets in before it has given up on the network, and gives up within 30 s",
    async () => {
      expect(await ask("systemctl show -P ActiveState ccapply")).toMatch(/inactive|activating/);
      await ask(
        "until systemctl show -P SubState ccapply | grep -q -e exited -e failed; do sleep 1; done; echo ok",
      );
      const wait = await seconds("connman-wait-online", "InactiveExit", "InactiveEnter");
      const apply = await seconds("ccapply", "InactiveExit", "InactiveEnter");
      // what is above 28 s is the emulated processor's, which starts and ends the program, beside other machines
      expect(wait).toBeLessThan(45);
      expect(apply).toBeLessThan(30);
    },
    6 * MINUTE,
  );

  test("still has the keys that it fetched before, and says why it fetched none", async () => {
    expect(await ask("grep -c '^ssh-' ~/.ssh/authorized_keys")).toBe("2");
    expect(
      await ask("sudo journalctl -b -o cat -u ccapply | grep -c 'this machine has no default route'"),
    ).toBe("1");
  });

  test("starts connman with a file that is written in the place of a generated one, and never anew", async () => {
    const starts = "grep -c 'Connection Manager version'";
    const unknown = "grep -c 'Unknown option Probe '";
    const journal = "sudo journalctl -b -o cat -u connman";
    expect(await ask(`${journal} | ${starts}; ${journal} | ${unknown}`)).toBe("1\n1");
    const paths = OWN_FILES.map(({ path }) => path).join(" ");
    expect(await ask(`cat ${paths}`)).toBe(OWN_FILES.map(({ content }) => content.trim()).join("\n"));
  });

  test("starts k3s all the same", async () => {
    expect(await ask("systemctl is-active k3s-service")).toBe("active");
  });
});

/** Seconds between two moments in the life of a unit (systemd's `…TimestampMonotonic`, in microseconds). */
async function seconds(unit: string, from: string, to: string): Promise<number> {
  const [start, end] = [from, to].map((name) => `systemctl show -P ${name}TimestampMonotonic ${unit}`);
  return Number(await ask(`echo $(( ($(${end}) - $(${start})) / 1000 ))`)) / 1000;
}

/** Types a command on the console, and returns its output: the brackets tell it from the command itself. */
async function ask(command: string): Promise<string> {
  machine.console.send(`echo "<""$(${command})"">"\r`);
  const [, output = ""] = await machine.console.expect(/<(?!")([^<>]*)>/, { timeout: 4 * MINUTE });
  return output.replaceAll("\r", "").trim();
}
