import { renameSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { logDiagnostics } from "../../config/read/diagnostics.ts";
import { flushDirectory } from "../../tools/fs/atomic.ts";
import { sha256File } from "../../tools/fs/checksums.ts";
import { scratchDirectory } from "../../tools/fs/scratch-directory.ts";
import { cmd } from "../../tools/host/cmd.ts";
import { abortOnSignals } from "../../tools/host/interrupt.ts";
import { imagesList } from "../../tools/images/image-set.ts";
import { showProgress } from "../../tools/terminal/progress.ts";
import { during } from "../../tools/text/errors.ts";
import { CONFIG } from "../medium.ts";
import {
  MEDIUM_IMAGES,
  MEDIUM_LIST,
  MENU,
  type RemasterHost,
  type RemasterSources,
  remasterFacts,
  XORRISO,
} from "./remaster-facts.ts";
import { type MenuEntry, menuWords } from "./remaster-menu.ts";
import { planRemaster, type RemasterPlan } from "./remaster-plan.ts";

export interface RemasterSettings extends RemasterSources {
  /** Kernel parameters for every entry of the boot menu. */
  readonly cmdline: string;
  /** The default entry; undefined: unchanged. */
  readonly startsBy: MenuEntry | undefined;
}

/**
 * Makes a medium from another one, with its own configuration, files and kernel parameters. It boots in the same ways
 * as the original. The new one appears completely or not at all; its SHA-256 is printed in the format of sha256sum(1).
 * Throws CommandError.
 */
export async function remaster(settings: RemasterSettings, host: RemasterHost): Promise<void> {
  const { words, warnings } = menuWords(settings.cmdline);
  logDiagnostics(warnings, host);
  using scratch = scratchDirectory(tmpdir(), SCRATCH);
  const facts = await remasterFacts(settings, scratch.path, host);
  for (const warning of facts.images.warnings) host.log.warn(warning);
  const plan = planRemaster(facts, { words, startsBy: settings.startsBy });
  using interruption = abortOnSignals();
  // on the file system of the result, so that it can be renamed
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

/** Makes xorriso write the plan. Boot records, partition table and boot loader of the original medium are recreated. */
async function write(
  plan: RemasterPlan,
  { input, output, add = "" }: RemasterSettings,
  { iso, scratch, signal }: { readonly iso: string; readonly scratch: string; readonly signal: AbortSignal },
  host: RemasterHost,
): Promise<void> {
  const files = [
    ...plan.added.map((path) => [join(add, path), path] as const),
    ...plan.images,
    ...(await ownFiles(plan, scratch)),
  ];
  const maps = files.flatMap(([from, to]) => ["-map", from, `/${to}`]);
  // xorriso gives a new directory the mode of the one that the file is from
  const readable = plan.images.length === 0 ? [] : ["-chmod", "0755", `/${MEDIUM_IMAGES}`, "--"];
  const argv = cmd`
    ${XORRISO} -indev stdio:${input} -outdev stdio:${iso}
      -joliet on -compliance joliet_long_names -boot_image any replay
      ${maps} ${readable} -chown_r 0 / -- -chgrp_r 0 / -- -commit
  `;
  using progress = showProgress(`Writing ${basename(output)}`, plan.size, host);
  const look = () => progress.update(statSync(iso, { throwIfNoEntry: false })?.size ?? 0);
  const timer = setInterval(look, LOOK_EVERY);
  try {
    await during(`Writing "${output}"`, () => host.run(argv));
  } catch (error) {
    signal.throwIfAborted(); // the signal also ends xorriso
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
/** Milliseconds between checks of the file's size. */
const LOOK_EVERY = 200;

/** Writes our content to files for xorriso: path of the file, path on the medium. */
async function ownFiles(
  { menu, config, images, keptImages }: RemasterPlan,
  scratch: string,
): Promise<[string, string][]> {
  const files: [string, string][] = [];
  if (menu !== undefined) {
    const path = join(scratch, "grub.cfg");
    writeFileSync(path, menu, { mode: 0o644 });
    files.push([path, MENU]);
  }
  if (config !== undefined) {
    const path = join(scratch, "config.yaml");
    writeFileSync(path, config, { mode: 0o600 }); // may contain a token, which users of the live system must not read
    files.push([path, CONFIG]);
  }
  if (images.length > 0) {
    const path = join(scratch, "images.txt");
    const added = await imagesList(images.map(([from]) => ({ path: from })));
    writeFileSync(path, keptImages + added, { mode: 0o644 });
    files.push([path, MEDIUM_LIST]);
  }
  return files;
}
