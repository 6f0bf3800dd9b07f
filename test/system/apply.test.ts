import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { RunResult } from "../../lib/tools/host/host.ts";
import { openSandbox, type Sandbox } from "../support/sandbox.ts";
import { PROJECT } from "../support/sources.ts";

/** What these tests find with the real programs and kernel; the unit tests have the details of each applier. */
const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@example";

const CONFIG = `
hostname: node-1
ssh_authorized_keys: ["${KEY}"]
write_files:
- {path: /opt/test/tool, content: "#!/bin/sh\\necho tool\\n", permissions: "04755", owner: "rancher:rancher"}
- {path: /etc/bad-owner, owner: nobody-here}
boot_cmd:
- 'echo "it is $((1+1))" | tee /run/boot-cmd'
- "false"
- "[[ -e /run/boot-cmd ]] && touch /run/after-false"
run_cmd: ["touch /run/run-cmd"]
k3os:
  password: "it's: a $ecret"
  sysctls: {net.ipv4.ip_forward: "1", kernel.shmmni: "4242", no.such.key: "1"}
  dns_nameservers: [1.1.1.1]
  wifi: [{name: home, passphrase: secret-passphrase}]
  environment: {TRICKY: "a 'b' $HOME", PLAIN: "x y"}
  token: secret-token
  server_url: https://server.example:6443
  k3s_args: [agent, "--kubelet-arg=x=50%", "--flag=a b"]
  labels: {region: eu}
  taints: ["key=value:NoSchedule"]
`;

let sandbox: Sandbox;
let boot: RunResult;

async function shell(line: string): Promise<string> {
  return (await sandbox.run(["sh", "-c", line])).stdout.trim();
}

function k3osConfig(...flags: readonly string[]): Promise<RunResult> {
  return sandbox.run([process.execPath, join(PROJECT, "bin/k3os.ts"), "config", ...flags], { check: false });
}

/** Everything that the appliers may have written, with time and inode. */
function writtenFiles(): Promise<string> {
  return shell(
    "find /etc /home /opt/test /var/lib/connman -type f -newer /etc/passwd- -printf '%p %i %T@ %m %u\\n' | sort",
  );
}

beforeAll(async () => {
  sandbox = await openSandbox();
  await sandbox.run([
    "sh",
    "-c",
    "mkdir -p /var/lib/rancher/k3os /usr/local/bin /run/k3os && echo local > /run/k3os/mode",
  ]);
  await sandbox.run([
    "sh",
    "-c",
    "rm -f /sbin/k3s && printf '#!/bin/sh\\n' > /usr/local/bin/k3s && chmod 755 /usr/local/bin/k3s",
  ]);
  await sandbox.run([
    "sh",
    "-c",
    "cd $(mkdir -p $0/sub && echo $0) && echo a > a.yaml && echo b > sub/b.yaml && echo c > c.yaml.example",
    "/usr/share/rancher/k3s/server/manifests",
  ]);
  await sandbox.run(["useradd", "--create-home", "--shell", "/bin/bash", "rancher"]);
  await sandbox.run(["sh", "-c", "cat > /var/lib/rancher/k3os/config.yaml"], { input: CONFIG });
  boot = await k3osConfig("--boot");
});

afterAll(() => sandbox[Symbol.asyncDispose]());

describe("k3os config --boot", () => {
  test("names what it could not apply, exits with 1, and shows no secret", () => {
    expect(boot.code).toBe(1);
    const errors = boot.stderr.split("\n").filter((line) => line.startsWith("Error: "));
    expect(errors.map((line) => /apply ([^:]+):/.exec(line)?.[1])).toEqual([
      "k3os.sysctls[no.such.key]",
      "write_files[1]",
      "boot_cmd[1]",
    ]);
    expect(boot.stdout + boot.stderr).not.toMatch(/secret|\$ecret/);
  });

  test("sets the kernel's host name and settings, of these namespaces only", async () => {
    expect(await shell("uname -n; cat /etc/hostname")).toBe("node-1\nnode-1");
    expect(await shell("sysctl -n net.ipv4.ip_forward kernel.shmmni")).toBe("1\n4242");
  });

  test("sets a password that opens the account", async () => {
    const check = `perl -e '$h = (getpwnam "rancher")[1]; print crypt($ARGV[0], $h) eq $h ? "yes" : "no"' "$1"`;
    const ask = async (word: string) => (await sandbox.run(["sh", "-c", check, "sh", word])).stdout;
    expect(await ask("it's: a $ecret")).toBe("yes");
    expect(await ask("it's: a ")).toBe("no");
  });

  test("writes keys that OpenSSH reads, for the user alone", async () => {
    const file = "/home/rancher/.ssh/authorized_keys";
    expect(await shell(`ssh-keygen -lf ${file}`)).toContain("me@example (ED25519)");
    expect(await shell(`stat -c '%a %U %G' ${file} /home/rancher/.ssh`)).toBe(
      "600 rancher rancher\n700 rancher rancher",
    );
  });

  test("writes files with owner and set-id bits, and no others", async () => {
    expect(await shell("stat -c '%a %U %G' /opt/test/tool; /opt/test/tool")).toBe(
      "4755 rancher rancher\ntool",
    );
    expect(
      await shell("ls -A /opt/test; ls /etc/bad-owner 2>&1 || true; ls -A /etc | grep bad || true"),
    ).toBe("tool\nls: cannot access '/etc/bad-owner': No such file or directory");
  });

  test("writes an environment that shells read as it was given", async () => {
    expect(await shell(`. /etc/environment; echo "$TRICKY|$PLAIN"`)).toBe("a 'b' $HOME|x y");
  });

  test("runs commands in a shell that knows bash, past one that failed", async () => {
    expect(
      await shell("cat /run/boot-cmd; ls /run/after-false; ls /run/run-cmd 2>/dev/null || echo not yet"),
    ).toBe("it is 2\n/run/after-false\nnot yet");
  });

  test("keeps secrets from other users", async () => {
    const files = "/etc/rancher/k3s/k3s-service.env /var/lib/connman/cloud-config.config";
    expect(await shell(`stat -c '%a %U' ${files}`)).toBe("600 root\n600 root");
    expect(await shell("grep -rl secret-token /etc || true")).toBe("/etc/rancher/k3s/k3s-service.env");
  });

  test("writes a unit that systemd reads without a complaint", async () => {
    const unit = "/etc/systemd/system/k3s-service.service";
    const { code, stderr } = await sandbox.run(["systemd-analyze", "verify", "--man=no", unit], {
      check: false,
    });
    expect(stderr.split("\n").filter((line) => line.includes("k3s-service"))).toEqual([]);
    expect(code).toBe(0);
    expect(await shell(`grep ^ExecStart= ${unit}`)).toContain(
      'k3s agent --kubelet-arg=x=50%% "--flag=a b" --node-label k3os.io/mode=local',
    );
  });

  test("puts the image's manifests in their place, kept from k3s, but no examples", async () => {
    const deployed = "/var/lib/rancher/k3s/server/manifests";
    expect(await shell(`cd ${deployed} && find . -type f | sort`)).toBe(
      "./a.yaml\n./a.yaml.skip\n./sub/b.yaml\n./sub/b.yaml.skip",
    );
  });

  test("changes nothing when it is called again", async () => {
    const before = await writtenFiles();
    expect(before).toContain("/home/rancher/.ssh/authorized_keys");
    await k3osConfig("--boot");
    expect(await writtenFiles()).toBe(before);
  });

  test("tells programs the same with --json, and keeps what commands print out of it", async () => {
    const { code, stdout, stderr } = await k3osConfig("--boot", "--json");
    const events = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const failed = events.filter(({ event, ok }) => event === "applier" && !ok);
    expect(failed.flatMap(({ errors }) => errors.map(({ path }: { path: string }) => path))).toEqual([
      "k3os.sysctls[no.such.key]",
      "write_files[1]",
      "boot_cmd[1]",
    ]);
    expect([code, events.at(-1)]).toEqual([1, expect.objectContaining({ event: "end", ok: false })]);
    expect(stderr).toContain("it is 2\n");
    expect(boot.stdout).toContain("it is 2\n");
  });
});

test("k3os config --dry-run changes nothing, and runs no command", async () => {
  await sandbox.run(["rm", "/opt/test/tool"]);
  const before = await writtenFiles();
  const { stderr } = await k3osConfig("--dry-run");
  expect(stderr).toContain('Would write "/opt/test/tool"');
  expect(stderr).toContain('Would run run_cmd[0]: "touch /run/run-cmd"');
  expect(await writtenFiles()).toBe(before);
  expect(await shell("ls /run/run-cmd 2>/dev/null || echo none")).toBe("none");
});
