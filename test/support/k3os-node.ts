import { release } from "node:os";
import { type TestHost, type TestHostOptions, testHost } from "./host.ts";
import { makeSystem } from "./system-directory.ts";

/** `ip -json address` of a node, shortened. */
export const IP = JSON.stringify([
  { ifname: "lo", operstate: "UNKNOWN", addr_info: [{ local: "127.0.0.1", prefixlen: 8, scope: "host" }] },
  {
    ifname: "eth0",
    operstate: "UP",
    addr_info: [{ local: "10.0.2.15", prefixlen: 24, scope: "global" }],
  },
]);

/** How an installed node has mounted its disk and what is in memory. */
export const MOUNTS = `22 1 253:1 /k3os/data / rw,relatime - ext4 /dev/vda1 rw
23 22 7:0 / /usr ro - squashfs /dev/loop0 ro
24 22 0:20 / /etc rw - tmpfs tmpfs rw
25 22 0:21 / /tmp rw - tmpfs tmpfs rw
26 22 0:22 / /run rw - tmpfs tmpfs rw
27 22 253:1 /k3os/system /k3os/system ro,relatime - ext4 /dev/vda1 rw
28 22 253:1 /boot /boot rw,relatime - ext4 /dev/vda1 rw
`;

const K3S_UNIT = "/etc/systemd/system/k3s-service.service";

/** What a healthy server's programs answer. */
export function answers(argv: readonly string[]): { readonly stdout: string } {
  if (argv[0] === "ip") return { stdout: IP };
  if (argv.includes("--failed")) return { stdout: "[]" };
  if (argv.includes("is-active")) return { stdout: "active\n" };
  if (argv[1] === "show") return { stdout: "ActiveState=active\nActiveEnterTimestamp=Mon\n" };
  return { stdout: "" };
}

/** A node that k3OS is installed on, as a server on which all is well; `files` are added to its own. */
export function k3osNode(options: TestHostOptions = {}): TestHost {
  const host = testHost({
    answer: answers,
    ...options,
    files: {
      "/run/k3os/mode": "local\n",
      "/usr/lib/os-release": 'ID=k3os\nVERSION_ID="v2"\n',
      "/proc/self/mountinfo": MOUNTS,
      "/proc/uptime": "100.00 90.00\n",
      "/proc/cmdline": "console=tty1\n",
      [K3S_UNIT]: "[Service]\nExecStart=/sbin/k3s server --node-label a=b\n",
      ...options.files,
    },
  });
  makeSystem(host.root, { k3os: ["v2", "v1"], kernel: [release()] });
  return host;
}
