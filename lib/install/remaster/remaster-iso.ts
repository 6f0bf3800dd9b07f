import { renameSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { logDiagnostics } from "../../config/read/diagnostics.ts";
import { flushDirectory } from "../../tools/fs/atomic.ts";
import { sha256File } from "../../tools/fs/checksums.ts";
import { scratchDirectory } from "../../tools/fs/scratch-directory.ts";
import { cmd } from "../../tools/host/cmd.ts";
import { abortOnSignals } from "../../tools/host/interrupt.ts";
import { showProgress } from "../../tools/terminal/progress.ts";
import { during } from "../../tools/text/errors.ts";
import { CONFIG } from "../medium.ts";
import { MENU, type RemasterHost, type RemasterSources, remasterFacts, XORRISO } from "./remaster-facts.ts";
import { type MenuEntry, menuWords } from "./remaster-menu.ts";
import { planRemaster, type RemasterPlan } from "./remaster-plan.ts";

export interface RemasterSettings extends RemasterSources {
  /** Kernel parameters that every entry of the boot menu gets. */
  readonly cmdline: string;
  /** The entry that starts by itself; undefined: the one that did. */
  readonly startsBy: MenuEntry | undefined;
}

/**
 * Makes a medium of another: with a configuration, files, kernel parameters of its own. It boots by whatever the other
 * booted by. The new one appears whole or not at all; prints its SHA-256 as sha256sum(1) does. Throws CommandError.
 */
export async function remaster(settings: RemasterSettings, host: RemasterHost): Promise<void> {
  const { words, warnings } = menuWords(settings.cmdline);
  logDiagnostics(warnings, host);
  using scratch = scratchDirectory(tmpdir(), SCRATCH);
  const facts = await remasterFacts(settings, scratch.path, host);
  const plan = planRemaster(facts, { words, startsBy: settings.startsBy });
  using interruption = abortOnSignals();
  // beside the result, which is then a rename
  using partial = scratchDirectory(dirname(settings.output), SCRATCH);
  const iso = join(partial.path, basename(settings.output));
  const { signal } = interruption;
  await write(plan, settings, { iso, scratch: scratch.path, signal }, host);
  const sha256 = await sha256File(iso);
  signal.throwIfAborted();
  renameSync(iso, settings.output);
  flushDirectory(dirname(settings.output));
  host.print(`${sha256}  ${basename(settings.output)}\n`);
}

/** Has xorriso write the plan. Boot records, partition table and boot loader of the other medium are made anew as they were. */
async function write(
  plan: RemasterPlan,
  { input, output, add = "" }: RemasterSettings,
  { iso, scratch, signal }: { readonly iso: string; readonly scratch: string; readonly signal: AbortSignal },
  host: RemasterHost,
): Promise<void> {
  const files = [...plan.added.map((path) => [join(add, path), path] as const), ...ownFiles(plan, scratch)];
  const maps = files.flatMap(([from, to]) => ["-map", from, `/${to}`]);
  const argv = cmd`
    ${XORRISO} -indev stdio:${input} -outdev stdio:${iso}
      -joliet on -compliance joliet_long_names -boot_image any replay
      ${maps} -chown_r 0 / -- -chgrp_r 0 / -- -commit
  `;
  using progress = showProgress(`Writing ${basename(output)}`, plan.size, host);
  const look = () => progress.update(statSync(iso, { throwIfNoEntry: false })?.size ?? 0);
  const timer = setInterval(look, LOOK_EVERY);
  try {
    await during(`Writing "${output}"`, () => host.run(argv));
  } catch (error) {
    signal.throwIfAborted(); // xorriso, too, was told to end
    throw error;
  } finally {
    clearInterval(timer);
  }
  signal.throwIfAborted();
  flushDirectory(iso);
  look();
  progress.finish();
}

const SCRATCH = ".k3os-remaster-";
/** Milliseconds between looks at how far the file has grown. */
const LOOK_EVERY = 200;

/** Writes what is ours to files that xorriso can take: path of the file, path on the medium. */
function ownFiles({ menu, config }: RemasterPlan, scratch: string): [string, string][] {
  const files: [string, string][] = [];
  if (menu !== undefined) {
    const path = join(scratch, "grub.cfg");
    writeFileSync(path, menu, { mode: 0o644 });
    files.push([path, MENU]);
  }
  if (config !== undefined) {
    const path = join(scratch, "config.yaml");
    writeFileSync(path, config, { mode: 0o600 }); // may hold a token, which users of the live system need not read
    files.push([path, CONFIG]);
  }
  return files;
}
