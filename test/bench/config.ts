import { join } from "node:path";
import type { BuildContext } from "../../lib/make/build/context.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { openSandbox, type Sandbox } from "../support/sandbox.ts";
import { byTurns, duration, type Figure, ratio } from "./figure.ts";

const TIMES = 5;
const FILES = 100;
const KEYS = 50;
const SYSCTLS = 100;

/** How much longer the runtime phase takes for many files, keys and settings than one shell script that does the same. */
export async function benchConfig({ artifacts }: BuildContext): Promise<Figure[]> {
  const k3os = join(artifacts, `k3os-${hostTarget().arch}`);
  const ours = () => timed((sandbox) => sandbox.run([k3os, "config"]));
  const theirs = () => timed((sandbox) => sandbox.run(["sh", "/run/by-hand"]));
  return [ratio("runtime phase", 2, await byTurns(TIMES, ours, theirs), "a shell script of the same")];
}

/** Milliseconds of `action` on a system to which nothing has been applied yet. */
async function timed(action: (sandbox: Sandbox) => Promise<unknown>): Promise<number> {
  await using sandbox = await openSandbox();
  const put = (path: string, input: string) => sandbox.run(["sh", "-c", `cat > ${path}`], { input });
  await sandbox.run(["sh", "-c", PREPARE]);
  const { stdout } = await sandbox.run(["sh", "-c", SWITCHES]);
  const sysctls = stdout.trim().split("\n").slice(0, SYSCTLS);
  if (sysctls.length < SYSCTLS) throw new Error(`Only ${sysctls.length} kernel settings to switch`);
  const settings = sysctls.map((line): [string, string] => {
    const [path = "", value] = line.split(" ");
    return [path, value === "0" ? "1" : "0"];
  });
  await put("/var/lib/rancher/k3os/config.yaml", configuration(settings));
  await put("/run/by-hand", byHand(settings));
  return await duration(() => action(sandbox));
}

/** The service manager is not there to be told anything, and nothing shall be downloaded. */
const PREPARE = `
set -e
useradd --create-home rancher
mkdir -p /var/lib/rancher/k3os /usr/local/bin /run/k3os
rm -f /sbin/k3s /usr/bin/systemctl
ln -s /bin/true /usr/bin/systemctl
cp /bin/true /usr/local/bin/k3s
`;

/** Settings of this network namespace that are on or off: path and value. */
const SWITCHES = `
cd /proc/sys
for file in $(find net/ipv4/conf/lo net/ipv6/conf/lo net/ipv4/conf/default net/ipv6/conf/default -type f -perm -200); do
  value=$(cat "$file" 2>/dev/null) || continue
  case $value in 0|1) echo "$file $value" ;; esac
done
`;

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const content = (index: number) => `file ${index}\n`.repeat(50);

function configuration(settings: readonly [string, string][]): string {
  return JSON.stringify({
    write_files: numbers(FILES).map((index) => ({
      path: `/opt/bench/file-${index}`,
      content: content(index),
    })),
    ssh_authorized_keys: numbers(KEYS).map(publicKey),
    k3os: { sysctls: Object.fromEntries(settings), k3s_args: ["server"] },
  });
}

/** The same changes with the programs that a script has, each file as safely: flushed, renamed, its directory flushed. */
function byHand(settings: readonly [string, string][]): string {
  const place = (path: string, text: string, mode: string, owner: string) => `
cat > ${path}.new <<'END'
${text}END
chown ${owner} ${path}.new
chmod ${mode} ${path}.new
sync ${path}.new
mv ${path}.new ${path}
sync ${path.slice(0, path.lastIndexOf("/"))}
`;
  const keys = numbers(KEYS).map((index) => `${publicKey(index)}\n`);
  return [
    "set -e\nmkdir -p /opt/bench /home/rancher/.ssh\nchown rancher:rancher /home/rancher/.ssh\n",
    ...settings.map(([path, value]) => `echo ${value} > /proc/sys/${path}\n`),
    place("/home/rancher/.ssh/authorized_keys", keys.join(""), "600", "rancher:rancher"),
    ...numbers(FILES).map((index) => place(`/opt/bench/file-${index}`, content(index), "644", "root:root")),
  ].join("");
}

/** A line in the form of an ed25519 key (RFC 8709). */
function publicKey(index: number): string {
  const name = "ssh-ed25519";
  const blob = Buffer.concat([
    lengthOf(name.length),
    Buffer.from(name),
    lengthOf(32),
    Buffer.alloc(32, index),
  ]);
  return `${name} ${blob.toString("base64")} key-${index}@example`;
}

function lengthOf(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}
