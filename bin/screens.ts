import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensurePackages } from "../lib/make/build/required-packages.ts";
import { drawScreen } from "../lib/make/build/screen-picture.ts";
import { logIn } from "../lib/make/vm/console-login.ts";
import { type Machine, startMachine, VM_DIRECTORY } from "../lib/make/vm/qemu.ts";
import { KEY, startTerminal, type Terminal } from "../lib/make/vm/tmux-terminal.ts";
import { scratchDirectory } from "../lib/tools/fs/scratch-directory.ts";
import { systemHost } from "../lib/tools/host/host.ts";

/**
 * Draws the pictures of docs/images: the installation of k3OS from its ISO in a virtual machine with two disks,
 * followed by a status query of the node. The pictures are real: a terminal shows the output of the machine's serial
 * console.
 */
const PROJECT = join(import.meta.dirname, "..");
const IMAGES = join(PROJECT, "docs/images");
const ISO = join(PROJECT, "dist/artifacts/k3os-amd64.iso");
const SIZE = { columns: 80, rows: 24 };
const MINUTE = 60_000;
const PASSWORD = "open-sesame";

/** The pictures and their contents. */
const PICTURES = {
  "install-disk": "The installer asks for the disk",
  "install-questions": "The questions of the installer",
  "install-plan": "Settings and plan, before anything is erased",
  "install-done": "The installation is complete",
  status: "k3os status",
  doctor: "k3os doctor",
} as const;

type Picture = keyof typeof PICTURES;

async function main(): Promise<void> {
  if (!existsSync(ISO)) throw new Error(`"${ISO}" is missing: make it with "npm run build"`);
  await ensurePackages(["e2fsprogs", "fdisk", "qemu-system-x86", "tmux"], systemHost());
  for (const directory of [IMAGES, VM_DIRECTORY]) mkdirSync(directory, { recursive: true });
  using directory = scratchDirectory(tmpdir(), "k3os-screens-");
  const scratch = directory.path;
  const disks = [join(scratch, "new.img"), join(scratch, "used.img")];
  for (const disk of disks) execFileSync("truncate", ["--size=8G", disk]);
  execFileSync("mkfs.ext4", ["-q", "-F", "-L", "photos", disks[1] ?? ""]);
  await drawInstallation(disks);
  await drawNode(disks);
}

async function drawInstallation(disks: readonly string[]): Promise<void> {
  await using machine = await startMachine({ ...computer("screens-live", disks), cdrom: ISO });
  await machine.console.expect(/k3OS LiveCD & Installer/, { timeout: 2 * MINUTE });
  machine.console.send("\r");
  await logIn(machine);
  await using screen = await watch(machine, "screens-live");
  const answer = async (question: string, keys: string, picture?: Picture) => {
    await screen.waitFor(question, { timeout: 2 * MINUTE });
    if (picture !== undefined) await draw(screen, picture);
    machine.console.send(keys);
  };
  machine.console.send("clear; TERM=linux sudo --preserve-env=TERM k3os install\r");
  await answer("Choose operation", "\r");
  await answer("Installation target", KEY.down);
  await answer("photos", "1\r", "install-disk");
  await answer("cloud-init file?", "\r");
  await answer("to SSH?", "\r");
  await answer("Password for rancher", `${PASSWORD}\r`);
  await answer("The same again", `${PASSWORD}\r`);
  await answer("WiFi?", "\r");
  await answer("server or agent?", "\r");
  await answer("Token or cluster secret", "cluster-secret\r", "install-questions");
  await answer("(y/N)", "y\r", "install-plan");
  await screen.waitFor("is installed on", { timeout: 8 * MINUTE });
  await draw(screen, "install-done");
}

async function drawNode(disks: readonly string[]): Promise<void> {
  await using machine = await startMachine(computer("screens-node", disks));
  await logIn(machine, PASSWORD);
  await using screen = await watch(machine, "screens-node");
  for (const name of ["status", "doctor"] as const) {
    // the quotes distinguish the output from the typed command
    machine.console.send(`clear; sudo k3os ${name}; echo 'end 'of ${name}\r`);
    await screen.waitFor(`end of ${name}`, { timeout: 2 * MINUTE });
    await draw(screen, name);
  }
}

function computer(name: string, disks: readonly string[]) {
  return { name, memory: 2048, extra: disks.flatMap(hardDisk) };
}

/** A disk with a model name and a serial number. */
function hardDisk(file: string, index: number): string[] {
  return [
    ...["-drive", `if=none,id=hd${index},format=raw,cache=unsafe,file=${file}`],
    ...[
      "-device",
      `ide-hd,drive=hd${index},model=Example SSD,serial=S${index + 1}X0042,bootindex=${index + 1}`,
    ],
  ];
}

/** A terminal that shows the output of a machine's console from now on. */
async function watch(machine: Machine, name: string): Promise<Terminal> {
  // the kernel's messages would distract in the pictures
  machine.console.send("sudo dmesg --console-level emerg; clear; echo qui''et\r");
  await machine.console.expect(/\squiet\s/, { timeout: MINUTE });
  return await startTerminal(["tail", "--lines=0", "--follow", join(VM_DIRECTORY, `${name}.log`)], SIZE);
}

async function draw(screen: Terminal, name: Picture): Promise<void> {
  const [shown = ""] = (await screen.styledScreen()).split(/^.*end of /m);
  writeFileSync(join(IMAGES, `${name}.svg`), drawScreen(shown, { ...SIZE, title: PICTURES[name] }));
  process.stdout.write(`docs/images/${name}.svg\n`);
}

await main();
