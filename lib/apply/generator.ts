import { type GeneratedFile, isWrittenItself, writtenBy } from "../config/schema/generated-files.ts";
import type { CloudConfig } from "../config/schema/schema.ts";
import type { WriteOptions } from "../tools/fs/atomic.ts";
import type { ApplyHost } from "./applier.ts";
import { putFile, removeFile } from "./system-files.ts";

/** Writes files from settings, except files that the user writes: these take precedence and are not changed. */
export interface Generator {
  /** Whether the user writes this file. */
  isWritten(file: GeneratedFile): boolean;
  /** Returns whether the file has changed. */
  put(file: GeneratedFile, content: string, options?: WriteOptions): boolean;
  /** Returns whether the file existed. */
  remove(file: GeneratedFile): boolean;
}

export function generator(
  config: Pick<CloudConfig, "writeFiles">,
  host: Pick<ApplyHost, "root" | "log" | "dryRun">,
): Generator {
  const isWritten = (file: GeneratedFile) => writtenBy(file, config) >= 0;
  // if the user's file has another path, ours must not exist beside it
  const remove = (file: GeneratedFile) => !isWrittenItself(file, config) && removeFile(file.path, host);
  return {
    isWritten,
    put: (file, content, options = {}) =>
      isWritten(file) ? remove(file) : putFile(file.path, content, options, host),
    remove,
  };
}
