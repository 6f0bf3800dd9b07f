import { type GeneratedFile, isWrittenItself, writtenBy } from "../config/schema/generated-files.ts";
import type { CloudConfig } from "../config/schema/schema.ts";
import type { WriteOptions } from "../tools/fs/atomic.ts";
import type { ApplyHost } from "./applier.ts";
import { putFile, removeFile } from "./system-files.ts";

/** Writes files from settings, each unless the user writes it: then that file counts, and nothing here touches it. */
export interface Generator {
  /** Whether the file is the user's. */
  isWritten(file: GeneratedFile): boolean;
  /** Returns whether it changed anything. */
  put(file: GeneratedFile, content: string, options?: WriteOptions): boolean;
  /** Returns whether the file was there. */
  remove(file: GeneratedFile): boolean;
}

export function generator(
  config: Pick<CloudConfig, "writeFiles">,
  host: Pick<ApplyHost, "root" | "log" | "dryRun">,
): Generator {
  const isWritten = (file: GeneratedFile) => writtenBy(file, config) >= 0;
  // where the user's stands in another place, ours must not lie beside it
  const remove = (file: GeneratedFile) => !isWrittenItself(file, config) && removeFile(file.path, host);
  return {
    isWritten,
    put: (file, content, options = {}) =>
      isWritten(file) ? remove(file) : putFile(file.path, content, options, host),
    remove,
  };
}
