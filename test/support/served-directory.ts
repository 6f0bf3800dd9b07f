import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A web server in a process of its own, so that what it costs is nobody else's. */
export interface ServedDirectory extends AsyncDisposable {
  readonly url: string;
}

/** Serves the files of a directory on a free port of loopback. */
export async function serveDirectory(directory: string): Promise<ServedDirectory> {
  const program = join(import.meta.dirname, "serve.ts");
  const child = spawn(process.execPath, [program, directory], { stdio: ["pipe", "pipe", "inherit"] });
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  return {
    url: `http://127.0.0.1:${line}`,
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, "exit");
      child.kill();
      await ended;
    },
  };
}
