import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { completeTakeover, markVerified } from "../../lib/boot/initrd/finish-takeover.ts";
import { planInstall, type TakeoverPlan } from "../../lib/install/install-plan.ts";
import { inspectMedium } from "../../lib/install/medium.ts";
import { prepareTakeover, undoTakeover } from "../../lib/install/takeover/prepare-takeover.ts";
import { emptyEnvironment, setVariable, withVariable } from "../../lib/tools/disk/grubenv.ts";
import { TAKEOVER, TRIED } from "../../lib/tools/disk/takeover-record.ts";
import { verifyChecksums } from "../../lib/tools/fs/checksums.ts";
import { GIB } from "../../lib/tools/fs/size.ts";
import { systemHost } from "../../lib/tools/host/host.ts";
import { createLog } from "../../lib/tools/host/log.ts";
import { LABEL } from "../../lib/tools/host/paths.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { messageOf } from "../../lib/tools/text/errors.ts";
import { makeMedium } from "../support/medium.ts";
import {
  everyPrefix,
  type PowerCut,
  type Recording,
  readAsGrub,
  recordWrites,
} from "../support/power-cut.ts";
import { treeOf } from "../support/tree.ts";
import { blockDevice, deviceFacts, facts, SETTINGS } from "../unit/install/samples.ts";

/** Power cuts that are looked at, of one recording. */
const AT_MOST = 50;
const MENU = "/boot/grub/grub.cfg";
const ENVIRONMENT = "/boot/grub/grubenv";
const OLD_MENU = 'menuentry "Old" { true; }\n'.repeat(300);
const OLD_ENVIRONMENT = withVariable(emptyEnvironment(), "saved_entry", "0");
const KERNEL = "squashfs of the kernel\n".repeat(20_000);
const INITRD = "initrd\n".repeat(30_000);

type Files = Readonly<Record<string, string>>;

let medium: string;
let plan: TakeoverPlan;

beforeAll(() => {
  medium = mkdtempSync(join(tmpdir(), "k3os-medium-"));
  makeMedium(medium, {
    files: {
      "k3os/system/k3os/v1.2.3/k3os.squashfs": "squashfs of the userland\n".repeat(10_000),
      "k3os/system/kernel/6.12.1/kernel.squashfs": KERNEL,
      "k3os/system/kernel/6.12.1/initrd": INITRD,
    },
  });
  plan = planTakeover();
});
afterAll(() => rmSync(medium, { recursive: true }));

function planTakeover(): TakeoverPlan {
  const state = { type: "ext4", label: "old", uuid: "old-uuid", size: 4 * GIB, free: 3 * GIB };
  const grub = {
    ...{ directory: dirname(MENU), plainMenu: true, plainEnvironment: true, hasEnvironment: true },
    ...{ platform: "i386-pc", version: undefined, missingModules: [] },
  };
  const old = { state, writable: true, free: state.free, apart: [], foreignTree: false, otherStates: [] };
  const planned = planInstall(
    { ...SETTINGS, takeOver: true, noFormat: true, powerOff: true },
    facts({
      device: deviceFacts({ device: blockDevice({ type: "part" }), state }),
      takeover: { ...old, grub, record: undefined },
      target: hostTarget(),
    }),
    { medium: inspectMedium(medium, hostTarget()), config: undefined },
  );
  if (planned.kind !== "takeover") throw new Error("No takeover was planned");
  return planned;
}

function makeOldRoot(root: string): void {
  const files: Record<string, string> = {
    [MENU]: OLD_MENU,
    [ENVIRONMENT]: OLD_ENVIRONMENT,
    "/boot/vmlinuz-5": "old kernel\n".repeat(5000),
    "/etc/passwd": "root:x:0:0::/root:/bin/sh\n",
    "/etc/motd": "Welcome\n",
    "/usr/bin/sh": "#!\n".repeat(9000),
    "/.autorelabel": "",
  };
  for (let i = 0; i < 20; i++) files[`/usr/lib/lib${i}.so`] = `library ${i}\n`.repeat(i * 200);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

const quiet = (root: string) => systemHost({ root, log: createLog(() => undefined) });
const prepare = (root: string) => prepareTakeover(plan, AbortSignal.timeout(60_000), quiet(root));
const has = (root: string, path: string) => existsSync(join(root, path));
const finalMenu = () => plan.files.find(({ path }) => path === TAKEOVER.newMenu)?.content;

function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`not so: ${what}`);
}

/** The menu that GRUB shows at a power cut, when everything that this menu starts can be read. */
function menuOfGrub(image: string): "old" | "takeover" | "final" {
  const read = (path: string) => readAsGrub(image, path)?.toString();
  const menu = read(MENU);
  if (menu === OLD_MENU) return "old";
  must(menu === plan.menu.content || menu === finalMenu(), "GRUB sees one of the three menus, whole");
  must(read("/k3os/system/kernel/current/kernel.squashfs") === KERNEL, "GRUB sees the whole kernel");
  must(read("/k3os/system/kernel/current/initrd") === INITRD, "GRUB sees the whole initrd");
  return menu === plan.menu.content ? "takeover" : "final";
}

/** All files that are not ours; the environment block without its time and ours of its variables. */
function oldFiles(root: string): Files {
  const files = Object.entries(treeOf(root)).filter(([path]) => !path.startsWith("/k3os/"));
  const environment = readFileSync(join(root, ENVIRONMENT), "latin1");
  return { ...Object.fromEntries(files), [ENVIRONMENT]: withVariable(environment, TRIED.name, undefined) };
}

function isOldSystem(root: string, before: Files): boolean {
  const now = oldFiles(root);
  const ours = readFileSync(join(root, MENU), "utf8") === plan.menu.content;
  return Bun.deepEquals(ours ? { ...now, [MENU]: before[MENU] } : now, before);
}

/** What is true while nothing is deleted: GRUB starts the old system or can start the new one; undo gives all back. */
function checkUndoable({ image, root }: PowerCut, before: Files): string {
  must(isOldSystem(root, before), "the old system is as it was");
  const menu = menuOfGrub(image);
  must(menu !== "final", "the final menu is not there yet");
  if (menu === "takeover") {
    must(readAsGrub(image, TAKEOVER.oldMenu)?.toString() === OLD_MENU, "GRUB can go back to the old menu");
  }
  if (has(root, TAKEOVER.directory)) undoTakeover(quiet(root));
  must(Bun.deepEquals(oldFiles(root), before), "undo gives back the old system");
  must(!has(root, "k3os") || readdirSync(join(root, "k3os")).length === 0, "undo leaves nothing behind");
  return menu;
}

/** What is true while the old system is being deleted: whatever GRUB starts ends in the final state. */
async function checkCompletable({ image, root }: PowerCut, before: Files): Promise<string> {
  const menu = menuOfGrub(image);
  must(menu !== "old", "the takeover is prepared");
  const marked = readAsGrub(image, TAKEOVER.verified) !== undefined;
  const complete = isOldSystem(root, before);
  if (menu === "takeover") {
    must(complete || marked, "GRUB does not go back to a system of which parts are deleted");
    must(complete || has(root, TAKEOVER.verified), "what is deleted is marked so");
    await verifyChecksums(root, readFileSync(join(root, TAKEOVER.checksums), "utf8"));
    markVerified(root);
  } else must(labelOnDisk(image) === LABEL.state, "the final menu's kernel finds its file system");
  completeTakeover(root, quiet(root));
  must(readFileSync(join(root, MENU), "utf8") === finalMenu(), "the final menu is there");
  must(!has(root, TAKEOVER.directory), "nothing of the takeover stays");
  const left = readdirSync(root).sort();
  must(Bun.deepEquals(left, ["boot", "k3os", "lost+found"]), "the old system is gone");
  return menu;
}

/** As the boot reads it: from the super block itself. */
function labelOnDisk(image: string): string {
  return readFileSync(image)
    .toString("latin1", 1024 + 120, 1024 + 136)
    .replace(/\0+$/, "");
}

/** What is wrong after which writes; and the menus that GRUB saw, in order. */
async function lookAt(
  recording: Recording,
  check: (cut: PowerCut, before: Files) => Promise<string> | string,
  before: Files,
): Promise<{ readonly bad: readonly string[]; readonly menus: readonly string[] }> {
  const bad: string[] = [];
  const menus = new Set<string>();
  for (const cut of everyPrefix(recording, { atMost: AT_MOST })) {
    try {
      menus.add(await check(cut, before));
    } catch (error) {
      bad.push(`after ${cut.writes} of ${recording.writes.length} writes: ${messageOf(error)}`);
    }
  }
  return { bad, menus: [...menus] };
}

describe.each([
  ["as the work asks for", false],
  ["all the time", true],
])("a power cut, where the journal is committed and metadata written %s,", (_, restless) => {
  let before: Files;

  const makeOld = (root: string) => {
    makeOldRoot(root);
    before = oldFiles(root);
  };
  /** A takeover that is prepared, and that GRUB has started. */
  const makeTried = async (root: string) => {
    makeOld(root);
    await prepare(root);
    setVariable(join(root, ENVIRONMENT), TRIED.name, TRIED.value);
  };

  test("while a takeover is prepared leaves the old system, and either menu with all it starts", async () => {
    using recording = await recordWrites({ restless, prepare: makeOld }, prepare);
    expect(await lookAt(recording, checkUndoable, before)).toEqual({ bad: [], menus: ["old", "takeover"] });
  });

  test("while it is prepared anew, too", async () => {
    using recording = await recordWrites({ restless, prepare: makeTried }, prepare);
    expect(await lookAt(recording, checkUndoable, before)).toEqual({ bad: [], menus: ["takeover", "old"] });
  });

  test("while it is undone, too", async () => {
    const undo = (root: string) => undoTakeover(quiet(root));
    using recording = await recordWrites({ restless, prepare: makeTried }, undo);
    expect(await lookAt(recording, checkUndoable, before)).toEqual({ bad: [], menus: ["takeover", "old"] });
  });

  test("while the old system is deleted leaves a takeover that the next start completes", async () => {
    using recording = await recordWrites({ restless, prepare: makeTried }, (root) => {
      markVerified(root);
      expect(completeTakeover(root, quiet(root))).toBe("power-off");
    });
    expect(await lookAt(recording, checkCompletable, before)).toEqual({
      bad: [],
      menus: ["takeover", "final"],
    });
  });
});
