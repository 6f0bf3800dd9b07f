import { inRoot } from "../../tools/host/paths.ts";
import type { Provider } from "../data-source.ts";
import { readFileIfThere } from "./read-source-file.ts";

/**
 * `file=PATH`: user data that something else put on this machine before.
 * https://github.com/linuxkit/linuxkit/blob/master/pkg/metadata/provider_file.go
 */
export function fileSource(path: string): Provider {
  return {
    name: `file=${path}`,
    title: path,
    kind: "local",
    // only somebody who knows of the file can name it
    recognises: () => true,
    read: async (access) => {
      const userdata = readFileIfThere(inRoot(access, path));
      return userdata === undefined ? undefined : { userdata };
    },
  };
}
