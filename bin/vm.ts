import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { ensurePackages } from "../lib/make/build/required-packages.ts";
import {
  IMAGES,
  WITHOUT_CONTROLLER,
  WITHOUT_PARTS,
  waitFor,
  waitForObject,
  waitUntilReady,
} from "../lib/make/vm/cluster-node.ts";
import { serveFiles } from "../lib/make/vm/http-server.ts";
import { answeringPod, makePodImages, NODE_PORT, POD_PACKAGES } from "../lib/make/vm/pod-images.ts";
import { type Machine, startMachine, VM_DIRECTORY } from "../lib/make/vm/qemu.ts";
import { generateKey, type SshTarget, ssh, sshArgv } from "../lib/make/vm/ssh.ts";
import {
  bootDisk,
  createHardware,
  type Hardware,
  installFromIso,
  keptHardware,
  reachNode,
  waitUntilApplied,
  within,
} from "../lib/make/vm/virtual-node.ts";
import { type Command, type CommandTable, defineCommand, parseCommandLine } from "../lib/tools/cli/cli.ts";
import { commandHelp, tableHelp } from "../lib/tools/cli/help.ts";
import { scratchDirectory } from "../lib/tools/fs/scratch-directory.ts";
import { cmd } from "../lib/tools/host/cmd.ts";
import { type Host, systemHost } from "../lib/tools/host/host.ts";
import { CommandError, EXIT, exitStatus, formatError, UsageError } from "../lib/tools/text/errors.ts";

const PROJECT = join(import.meta.dirname, "..");
const ISO = join(PROJECT, "dist/artifacts/k3os-amd64.iso");
/** One machine for all commands: a system that one command installs on its disk is booted by another. */
const DEMO = "demo";
const DISK_SIZE = 4 * 1024 ** 3;
const PACKAGES = ["openssh-client", "ovmf", "qemu-system-x86", "xorriso"];
/** Control and ], as in telnet: no program on the console needs it. */
const LEAVE_KEY = "\u001d";

const OPTIONS = {
  firmware: {
    type: "string",
    value: "bios|uefi",
    help: "how the machine starts (default: as when it was installed, else bios)",
  },
  memory: { type: "string", value: "MIB", help: "the machine's memory (default: 2048)" },
} as const;

const start = defineCommand({
  description: `Builds k3OS, installs it from its ISO to an empty disk with a configuration
served on loopback, boots the disk and shows over ssh what came of it: at the
end a cluster with one pod, if the image has a k3s. On a terminal it then leaves
you on the machine's console.`,
  options: OPTIONS,
  run: async ({ values }, host) => {
    const report = createStopwatch(host);
    report("Building");
    await build();
    await ensurePackages(PACKAGES, host);
    mkdirSync(VM_DIRECTORY, { recursive: true });
    using directory = scratchDirectory(tmpdir(), "k3os-start-");
    const scratch = directory.path;
    const key = await generateKey(scratch);
    const config = demoConfig(key.publicKey);
    await using server = await serveFiles({ "/config.yaml": config });
    host.print(`\nThe configuration, served on loopback:\n${indent(config)}\n`);
    const hardware = createHardware(DEMO, { firmware: firmwareOf(values.firmware) }, DISK_SIZE);
    report(`Installing from the ISO to an empty disk of 4 GiB (console: ${transcript("install")})`);
    await installFromIso(hardware, { iso: ISO, configPort: server.port, onStep: report });
    report(`Booting the disk (console: ${transcript("boot")})`);
    await using machine = await bootDisk(hardware, { boot: "boot", memory: memoryOf(values.memory) });
    const node = await reachNode(machine, key);
    report("The node answers by ssh, and applies its configuration");
    await show(node, host);
    await showCluster(node, { report, scratch }, host);
    await leave(machine, report);
    return EXIT.done;
  },
});

const iso = defineCommand({
  description: `Boots the ISO on a machine with an empty disk, and joins your terminal to its
console. What you install there is what "bun bin/vm.ts disk" boots.`,
  options: OPTIONS,
  run: async ({ values }, host) => {
    await prepare(ISO, "npm run build", host);
    const hardware = createHardware(DEMO, { firmware: firmwareOf(values.firmware) }, DISK_SIZE);
    const { firmware, efiVariables, disk } = hardware;
    const memory = memoryOf(values.memory);
    await using machine = await startMachine({
      ...{ name: "iso", firmware, efiVariables, memory, ssh: true },
      ...{ disks: [disk], cdrom: ISO },
    });
    await attach(machine, host);
    return EXIT.done;
  },
});

const disk = defineCommand({
  description: `Boots the disk that "npm start", or you in "bun bin/vm.ts iso", have installed, and
joins your terminal to its console.`,
  options: OPTIONS,
  run: async ({ values }, host) => {
    const { disk: image, efiVariables, firmware } = keptHardware(DEMO);
    await prepare(image, "npm start", host);
    await using machine = await startMachine({
      ...{ name: "disk", firmware: firmwareOf(values.firmware ?? firmware), efiVariables },
      ...{ memory: memoryOf(values.memory), ssh: true, disks: [image] },
    });
    await attach(machine, host);
    return EXIT.done;
  },
});

const COMMANDS: Readonly<Record<string, { readonly summary: string; readonly command: Command }>> = {
  start: { summary: "Build, install in a VM, boot, and show it working", command: start },
  iso: { summary: "Boot the ISO in a VM", command: iso },
  disk: { summary: "Boot the disk that one of the others installed", command: disk },
};

/** The configuration of the machine of `npm start`: some settings whose effect is visible afterwards. */
function demoConfig(publicKey: string): string {
  return `ssh_authorized_keys:
- ${publicKey}
hostname: ${NODE}
write_files:
- path: /etc/demo.conf
  permissions: "0640"
  owner: root:sudo
  content: |
    written by write_files
boot_cmd:
- "echo boot_cmd ran before the services > /run/demo-boot"
run_cmd:
- "echo run_cmd ran with the network up > /run/demo-run"
k3os:
  password: rancher
  k3s_args: # without the pods that need images from the Internet
  - server
  - ${WITHOUT_PARTS}
  - ${WITHOUT_CONTROLLER}
  labels:
    region: loopback
  sysctls:
    vm.swappiness: 7
  environment:
    DEMO: "yes"
`;
}

/** The command that shows the node's state, as typed on its console. */
const SHOWN = [
  "k3os --version",
  "hostname",
  "uname -r",
  "for dir in / /usr /etc /tmp /k3os/system; do findmnt -n -o TARGET,FSTYPE,SIZE,OPTIONS $dir; done",
  "cat /etc/demo.conf /run/demo-boot /run/demo-run",
  "cat /proc/sys/vm/swappiness",
  "sudo k3os config explain hostname",
  "systemctl is-system-running; systemctl list-units --failed --no-legend",
];

async function show(node: SshTarget, host: Pick<Host, "print">): Promise<void> {
  await waitUntilApplied(node);
  for (const command of SHOWN) await showCommand(node, command, host);
}

/** The node of the machine of `npm start`. */
const NODE = "k3os-demo";
const POD = "hello";

/** Shows the cluster and a pod in it, which needs no image from elsewhere. */
async function showCluster(
  node: SshTarget,
  { report, scratch }: { readonly report: (text: string) => void; readonly scratch: string },
  host: Pick<Host, "print" | "run" | "log" | "clock">,
): Promise<void> {
  const { code, stdout: version } = await ssh(node, "readlink /k3os/system/k3s/current");
  if (code !== 0) return host.print("\nk3s is not in this image, so there is no cluster to show.\n");
  report("Making the images of a pod, and copying them to the node");
  await ensurePackages(POD_PACKAGES, host);
  for (const archive of await makePodImages(join(scratch, "images"), { k3s: version.trim() }, host)) {
    const input = readFileSync(archive);
    await host.run(
      cmd`${sshArgv(node)} ${`sudo mkdir -p ${IMAGES} && sudo tee ${IMAGES}/${basename(archive)} >/dev/null`}`,
      { input },
    );
  }
  report("k3s starts its cluster, which takes minutes on an emulated processor");
  await waitUntilReady(node, NODE);
  await showCommand(node, "sudo kubectl get nodes", host);
  report("Starting the pod");
  const manifest = JSON.stringify(answeringPod(POD, { answer: "Hello from a pod" }));
  await waitForObject(node, "serviceaccount/default", { condition: "create" });
  await host.run(cmd`${sshArgv(node)} ${"sudo kubectl apply --validate=false -f -"}`, { input: manifest });
  await waitForObject(node, `pod/${POD}`, { condition: "condition=Ready" });
  await showCommand(node, "sudo kubectl get pods", host);
  report("Asking the pod");
  const url = `http://$(hostname -I | cut -d " " -f 1):${NODE_PORT}`;
  await waitFor(node, `curl -sf -m 5 ${url}`);
  await showCommand(node, `curl -s ${url}`, host);
}

async function showCommand(node: SshTarget, command: string, host: Pick<Host, "print">): Promise<void> {
  const { stdout, stderr } = await ssh(node, command);
  host.print(`\n$ ${command}\n${indent(stdout + stderr)}`);
}

/** Hands over the console in an interactive terminal; otherwise switches the machine off. */
async function leave(machine: Machine, report: (text: string) => void): Promise<void> {
  if (process.stdin.isTTY && process.stdout.isTTY) {
    report("This is the console now: log in as rancher with the password rancher, or leave with Ctrl-]");
    await attachTerminal(machine);
    return;
  }
  await machine.powerDown();
  await within(machine.exited, 90_000, "The machine did not switch itself off");
  report("Done: installed, booted, configured, and switched off");
}

async function attach(machine: Machine, host: Pick<Host, "print">): Promise<void> {
  if (!process.stdin.isTTY) throw new CommandError("The console needs a terminal");
  host.print(`Leave the console, and end the machine, with Ctrl-]. Its ssh is at port ${machine.sshPort}.\n`);
  await attachTerminal(machine);
}

function attachTerminal(machine: Machine): Promise<void> {
  return machine.console.attach({ input: process.stdin, output: process.stdout }, { leave: LEAVE_KEY });
}

async function prepare(file: string, maker: string, host: Host): Promise<void> {
  if (!existsSync(file)) throw new CommandError(`"${file}" is missing`, { hint: `make it with: ${maker}` });
  await ensurePackages(PACKAGES, host);
}

function build(): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["bin/build.ts"], { cwd: PROJECT, stdio: "inherit" });
    child.once("error", reject);
    child.once("close", (status) => {
      if (status === 0) resolve();
      else reject(new CommandError(`The build failed with status ${status}`));
    });
  });
}

/** Prints progress, each line with the seconds since the start. */
function createStopwatch({ clock, print }: Pick<Host, "clock" | "print">): (text: string) => void {
  const started = clock.monotonic();
  return (text) => print(`[${((clock.monotonic() - started) / 1000).toFixed(1).padStart(6)} s] ${text}\n`);
}

function firmwareOf(text = "bios"): Hardware["firmware"] {
  if (text === "bios" || text === "uefi") return text;
  throw new UsageError(`Unknown firmware "${text}": expected bios or uefi`);
}

function memoryOf(text = "2048"): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new UsageError(`Invalid memory size "${text}": expected a number of MiB, such as 2048`);
}

function transcript(boot: string): string {
  return `dist/vm/${DEMO}-${boot}.log`;
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, "    ");
}

async function main([name = "", ...argv]: readonly string[]): Promise<number> {
  const row = COMMANDS[name];
  const rows = Object.entries(COMMANDS).map(([word, { summary, command }]) => {
    return [word, { summary, load: async () => command }] as const;
  });
  const table: CommandTable = Object.fromEntries(rows);
  if (row === undefined) {
    process.stderr.write(tableHelp("bun bin/vm.ts", table));
    return name === "--help" ? EXIT.done : EXIT.usage;
  }
  try {
    const args = parseCommandLine(row.command, argv, process.env);
    if (!args.values.help) return await row.command.run(args, systemHost({ debug: args.values.debug }));
    process.stdout.write(commandHelp(`bun bin/vm.ts ${name}`, row.summary, row.command));
    return EXIT.done;
  } catch (error) {
    process.stderr.write(`${formatError(error)}\n`);
    return exitStatus(error);
  }
}

process.exit(await main(process.argv.slice(2)));
