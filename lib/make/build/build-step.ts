import type { Host } from "../../tools/host/host.ts";

/** Something that was made, or that is given from outside of the project: a file or a directory. */
export interface Made {
  readonly path: string;
  /** Of its content. Whatever is made from it is made again only when this changes. */
  readonly digest: string;
}

/**
 * A step of the build whose result is kept. It is done again when one of its inputs changes, and no input is written down twice:
 *
 *     the module that does it, and all that it imports but for types: found by parsing
 *     the npm packages that these import, as package-lock.json has them
 *     `input`: all that `make` is given, so that it can use nothing else
 *     `files`, `packages`, `variables`: `make` reads, runs and looks up none that is not declared here
 */
export interface Step<I> {
  /** `import.meta.filename` of the module that declares and does it. */
  readonly module: string;
  /** Files and directories of the project that it reads; paths relative to the project. */
  readonly files?: readonly string[];
  /** Modules of the project that it makes a program of, with all that they import; paths relative to the project. */
  readonly bundles?: readonly string[];
  /** Debian packages whose programs and data it uses. They are installed, and count by version. */
  readonly packages?: (input: I) => readonly string[];
  /** Programs that it runs besides, of which the result cannot depend: what npm downloads is verified. */
  readonly programs?: readonly string[];
  /** Variables of the environment that it looks up. */
  readonly variables?: readonly string[];
  /** It takes long: its results are kept for every clone on this machine. */
  readonly shared?: boolean;
  /** Writes the result into the empty directory `into`. */
  make(input: I, into: string, context: StepContext): Promise<void>;
}

/** What a step works with besides its input. */
export interface StepContext {
  /** Refuses programs, and does not have variables, that the step does not declare. */
  readonly host: Pick<Host, "run" | "log" | "env" | "clock">;
  /** The absolute path of a file or directory of the project. Throws CommandError if the step does not declare it. */
  source(path: string): string;
}

/** Does a step unless its result is kept. `name` tells results of one step apart, for people too: `kernel-amd64`. */
export type StepRunner = <I>(
  step: Step<I>,
  work: { readonly name: string; readonly input: I },
) => Promise<Made>;

/** A file or directory below a result; it changes whenever the result does. */
export function partOf({ path, digest }: Made, name: string): Made {
  return { path: `${path}/${name}`, digest: `${digest}/${name}` };
}
