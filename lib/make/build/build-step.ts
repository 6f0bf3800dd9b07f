import type { Host } from "../../tools/host/host.ts";

/** A file or directory: the result of a step, or a file from outside of the project. */
export interface Made {
  readonly path: string;
  /** The digest of its content. Results that depend on it are only rebuilt when this changes. */
  readonly digest: string;
}

/**
 * A step of the build with a cached result. It runs again when one of its inputs changes. No input is declared twice:
 *
 *     the module of the step, and all its imports except types: found by parsing
 *     the npm packages that these import, from package-lock.json
 *     `input`: the only argument of `make`
 *     `files`, `packages`, `variables`: `make` reads, runs and looks up only what is declared here
 */
export interface Step<I> {
  /** `import.meta.filename` of the module that declares and implements it. */
  readonly module: string;
  /** Files and directories of the project that it reads; paths relative to the project. */
  readonly files?: readonly string[];
  /** Modules of the project that it bundles into a program, with all their imports; paths relative to the project. */
  readonly bundles?: readonly string[];
  /** Debian packages whose programs and data it uses. They are installed, and their versions are inputs. */
  readonly packages?: (input: I) => readonly string[];
  /** Other programs that it runs. They do not affect the result: downloads by npm are verified. */
  readonly programs?: readonly string[];
  /** Environment variables that it reads. */
  readonly variables?: readonly string[];
  /** It is slow: its results are shared by all clones on this machine. */
  readonly shared?: boolean;
  /** Writes the result into the empty directory `into`. */
  make(input: I, into: string, context: StepContext): Promise<void>;
}

/** The tools of a step, besides its input. */
export interface StepContext {
  /** Refuses programs, and hides variables, that the step does not declare. */
  readonly host: Pick<Host, "run" | "log" | "env" | "clock">;
  /** The absolute path of a file or directory of the project. Throws CommandError if the step does not declare it. */
  source(path: string): string;
}

/**
 * Runs a step unless its result is cached. `name` distinguishes results of one step, also for users: `kernel-amd64`.
 */
export type StepRunner = <I>(
  step: Step<I>,
  work: { readonly name: string; readonly input: I },
) => Promise<Made>;

/** A file or directory below a result; its digest changes with the result's. */
export function partOf({ path, digest }: Made, name: string): Made {
  return { path: `${path}/${name}`, digest: `${digest}/${name}` };
}
