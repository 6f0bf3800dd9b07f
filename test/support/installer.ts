import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { install } from "../../commands/install.ts";
import { parseCommandLine } from "../../lib/tools/cli/cli.ts";
import { type Host, systemHost } from "../../lib/tools/host/host.ts";
import { createLog } from "../../lib/tools/host/log.ts";
import { type MediumOptions, makeMedium } from "./medium.ts";

/** `k3os install` on this machine's devices, with a root of its own for everything else. */
export interface Installer extends Disposable {
  readonly root: string;
  /** The directory that is the medium, unless the command line or the environment says otherwise. */
  readonly medium: string;
  readonly logged: string[];
  readonly printed: string[];
  /** Runs the command; what is given replaces that part of the host. */
  run(argv: readonly string[], options?: Partial<Pick<Host, "env" | "run" | "clock">>): Promise<number>;
}

export function createInstaller(options: MediumOptions = {}): Installer {
  const root = mkdtempSync(join(tmpdir(), "k3os-install-"));
  const medium = join(root, "medium");
  makeMedium(medium, options);
  mkdirSync(join(root, "usr/lib"), { recursive: true });
  symlinkSync("/usr/lib/grub", join(root, "usr/lib/grub"));
  const logged: string[] = [];
  const printed: string[] = [];
  const real = systemHost({ root });
  return {
    root,
    medium,
    logged,
    printed,
    run: async (argv, { env = {}, run = real.run, clock = real.clock } = {}) => {
      const complete = { PATH: process.env.PATH, ISO_DEVICE: medium, ...env };
      const host: Host = {
        ...real,
        env: complete,
        run,
        clock,
        log: createLog((line) => logged.push(line.trimEnd())),
        print: (text) => printed.push(text),
      };
      return await install.run(parseCommandLine(install, argv, complete), host);
    },
    [Symbol.dispose]: () => rmSync(root, { recursive: true }),
  };
}
