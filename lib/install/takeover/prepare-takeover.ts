import { existsSync, mkdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { TAKEOVER_MARK } from "../../tools/disk/grub.ts";
import { emptyEnvironment, setVariable } from "../../tools/disk/grubenv.ts";
import { switchMenu } from "../../tools/disk/switch-menu.ts";
import {
  forgetTry,
  recallTakeoverRecord,
  TAKEOVER,
  type TakeoverRecord,
  TRIED,
} from "../../tools/disk/takeover-record.ts";
import { writeFileAtomic } from "../../tools/fs/atomic.ts";
import { sha256File } from "../../tools/fs/checksums.ts";
import { readTextIfThere } from "../../tools/fs/read-bounded.ts";
import type { Host } from "../../tools/host/host.ts";
import { inRoot } from "../../tools/host/paths.ts";
import { syncFileSystem } from "../../tools/host/sys.ts";
import { CommandError, during, messageOf } from "../../tools/text/errors.ts";
import { copySystem, linkMedium } from "../copy-system.ts";
import type { TakeoverPlan } from "../install-plan.ts";

type TakeoverHost = Pick<Host, "root" | "log" | "progress">;

interface Work {
  readonly plan: TakeoverPlan;
  readonly signal: AbortSignal;
}

interface Step {
  readonly title: string;
  readonly run: (work: Work, host: TakeoverHost) => Promise<void> | void;
}

/** The new system is written beside the running one, and has no effect until the last step changes the boot menu. */
const STEPS: readonly Step[] = [
  { title: "Preparing the takeover", run: recordTakeover },
  { title: "Copying the new system", run: copyNewSystem },
  { title: "Noting its checksums", run: noteChecksums },
  { title: "Writing everything to the disk", run: flush },
  { title: "Changing the boot menu", run: changeMenu },
];

/**
 * Prepares the replacement of the running system at the next boot. When a step fails, or `signal` aborts, everything is
 * undone; after a power cut the running system boots as before, and the next call succeeds.
 */
export async function prepareTakeover(
  plan: TakeoverPlan,
  signal: AbortSignal,
  host: TakeoverHost,
): Promise<void> {
  try {
    for (const { title, run } of STEPS) {
      signal.throwIfAborted();
      host.log.info(`${title} …`);
      await during(title, () => run({ plan, signal }, host));
    }
  } catch (error) {
    takeBack(host);
    signal.throwIfAborted();
    throw error;
  }
}

/** Undoes a takeover before its first boot. Throws CommandError if none is prepared. */
export function undoTakeover(host: TakeoverHost): void {
  if (!existsSync(inRoot(host, TAKEOVER.directory))) throw new CommandError("No takeover is prepared here");
  if (existsSync(inRoot(host, TAKEOVER.verified))) {
    throw new CommandError("The takeover has begun to delete the old system: there is nothing to go back to");
  }
  const record = recallTakeoverRecord(host.root, host);
  if (record !== undefined) {
    restoreBoot(record, host);
    for (const path of ["/k3os/system", "/k3os/data"]) {
      rmSync(inRoot(host, path), { recursive: true, force: true });
    }
  }
  rmSync(inRoot(host, TAKEOVER.directory), { recursive: true });
  rmdirSync(inRoot(host, "/k3os"));
  syncFileSystem(inRoot(host, "/"));
}

function takeBack(host: TakeoverHost): void {
  try {
    undoTakeover(host);
  } catch (error) {
    host.log.warn(`What the takeover has written could not be removed: ${messageOf(error)}`);
  }
}

/** Restores the old menu and all other boot files of the old system: the same files, not copies. */
function restoreBoot(record: TakeoverRecord, host: TakeoverHost): void {
  const directory = inRoot(host, record.grub);
  const menu = join(directory, "grub.cfg");
  const kept = inRoot(host, TAKEOVER.oldMenu);
  if (existsSync(kept) && isOurs(menu)) switchMenu({ menu, next: kept, kept: inRoot(host, TAKEOVER.menu) });
  else if (!isOurs(menu)) host.log.debug("The boot menu is not ours: it stays as it is");
  const environment = join(directory, "grubenv");
  if (record.madeEnvironment) rmSync(environment, { force: true });
  else forgetTry(environment, host);
  const motd = inRoot(host, TAKEOVER.oldMotd);
  if (existsSync(motd)) renameSync(motd, inRoot(host, "/etc/motd"));
  syncFileSystem(directory); // until then GRUB may still read our menu, even if another program replaced it
}

/** Whether a boot menu is a takeover's; false if it does not exist. */
function isOurs(path: string): boolean {
  return readTextIfThere(path)?.startsWith(TAKEOVER_MARK) ?? false;
}

/** The record is written first: it identifies an interrupted takeover, which can be undone or restarted. */
function recordTakeover({ plan }: Work, host: TakeoverHost): void {
  const earlier = recallTakeoverRecord(host.root, host);
  if (earlier !== undefined) restoreBoot(earlier, host);
  mkdirSync(inRoot(host, TAKEOVER.directory), { recursive: true, mode: 0o700 });
  rmSync(inRoot(host, TAKEOVER.failure), { force: true });
  writeFileAtomic(inRoot(host, TAKEOVER.record), `${JSON.stringify(plan.record)}\n`, { mode: 0o600 });
}

async function copyNewSystem({ plan, signal }: Work, host: TakeoverHost): Promise<void> {
  await copySystem(plan, inRoot(host, "/"), signal, host);
  linkMedium(plan.medium, inRoot(host, "/"));
}

/** The digests are those of the medium, so that the first boot also detects errors of the copy. */
async function noteChecksums({ plan: { medium }, signal }: Work, host: TakeoverHost): Promise<void> {
  const lines: string[] = [];
  for (const entry of medium.entries) {
    signal.throwIfAborted();
    if (entry.kind === "file") {
      lines.push(`${await sha256File(join(medium.root, entry.path))}  ${entry.path}\n`);
    }
  }
  writeFileAtomic(inRoot(host, TAKEOVER.checksums), lines.join(""), { mode: 0o600 });
}

function flush(_: Work, host: TakeoverHost): void {
  syncFileSystem(inRoot(host, "/"));
}

function changeMenu({ plan: { menu, environment } }: Work, host: TakeoverHost): void {
  const block = inRoot(host, environment);
  if (!existsSync(block)) writeFileAtomic(block, emptyEnvironment(), { mode: 0o600 });
  setVariable(block, TRIED.name, undefined);
  const next = inRoot(host, TAKEOVER.menu);
  writeFileAtomic(next, menu.content, { mode: menu.mode });
  switchMenu({ menu: inRoot(host, menu.path), next, kept: inRoot(host, TAKEOVER.oldMenu) });
}
