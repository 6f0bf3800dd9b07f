import { inRoot } from "../../tools/host/paths.ts";
import type { Provider } from "../data-source.ts";
import { readFileIfThere } from "./read-source-file.ts";

/**
 * `file=PATH`: user data from a file that already exists on this machine.
 * https://github.com/linuxkit/linuxkit/blob/master/pkg/metadata/provider_file.go
 */
export function fileSource(path: string): Provider {
  return {
    name: `file=${path}`,
    title: path,
    kind: "local",
    // the list names the file explicitly
    recognises: () => true,
    read: async (access) => {
      const userdata = readFileIfThere(inRoot(access, path));
      return userdata === undefined ? undefined : { userdata };
    },
  };
}
