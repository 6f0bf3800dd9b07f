import { open } from "node:fs/promises";
import { defineCommand } from "../lib/tools/cli/cli.ts";
import { cmd } from "../lib/tools/host/cmd.ts";
import type { Host } from "../lib/tools/host/host.ts";
import { CommandError, during, EXIT, messageOf } from "../lib/tools/text/errors.ts";

/** Tests everything that depends on the runtime: the first command to run on a machine with problems. */
export const selfTest = defineCommand({
  description: `
Prints one line per step. The request is sent only if a URL is given. With
--exec, the last step replaces the process with "k3os --version".`,
  options: {
    url: { type: "string", value: "URL", help: "send a request to this URL" },
    exec: { type: "boolean", help: "replace the process in the last step" },
    ca: { type: "string", value: "FILE", help: "PEM certificates to trust for the request" },
  },
  run: async ({ values }, host) => {
    let status: number = EXIT.done;
    for (const [name, step] of STEPS) {
      try {
        host.print(`${name}: ${await step(values, host)}\n`);
      } catch (error) {
        host.print(`${name}: FAILED: ${messageOf(error)}\n`);
        status = EXIT.failed;
      }
    }
    if (values.exec) await replaceOurselves(host);
    return status;
  },
});

interface Options {
  readonly url: string | undefined;
  readonly ca: string | undefined;
}

/** Each test returns what it found; throws on an unexpected result. */
type Step = (options: Options, host: Host) => Promise<string>;

const STEPS: readonly (readonly [string, Step])[] = [
  ["yaml", parseYaml],
  ["semver", compareVersions],
  ["system call", callSystem],
  ["file", readOwnFile],
  ["program", runOurselves],
  ["request", sendRequest],
];

async function parseYaml(): Promise<string> {
  const { parse } = await import("yaml");
  return JSON.stringify(parse("k3os: { modules: [kvm], sysctl: &s { a.b: 1 } }\nagain: *s\n"));
}

async function compareVersions(): Promise<string> {
  const { gt } = await import("semver");
  const newer = gt("v1.31.2+k3s1", "v1.30.10+k3s2");
  if (!newer) throw new CommandError('Expected "v1.31.2+k3s1" to be newer than "v1.30.10+k3s2"');
  return "v1.31.2 is newer than v1.30.10";
}

async function callSystem(): Promise<string> {
  const { SystemCallError, unmount } = await import("../lib/tools/host/sys.ts");
  try {
    unmount("/k3os self-test");
  } catch (error) {
    // no such directory; without root, not permitted
    if (error instanceof SystemCallError && /ENOENT|EPERM/.test(error.message)) return error.message;
    throw error;
  }
  throw new CommandError("Expected a directory that does not exist not to be unmounted");
}

async function readOwnFile(): Promise<string> {
  await using file = await open(process.execPath);
  const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
  if (buffer.toString("latin1") !== "\x7fELF")
    throw new CommandError(`"${process.execPath}" is not our file`);
  return process.execPath;
}

async function runOurselves(_: Options, host: Host): Promise<string> {
  const { stdout } = await host.run(cmd`${process.execPath} --version`);
  return stdout.trim();
}

async function sendRequest({ url, ca }: Options, host: Host): Promise<string> {
  if (url === undefined) return "no URL given";
  const { fetchText } = await import("../lib/tools/http/http.ts");
  const { readTextBounded } = await import("../lib/tools/fs/read-bounded.ts");
  const trusted =
    ca === undefined ? {} : { ca: await during("Reading the certificates", () => readTextBounded(ca)) };
  return (await fetchText(url, { retries: 0, ...trusted }, host)).trim();
}

async function replaceOurselves({ env }: Pick<Host, "env">): Promise<never> {
  const { execve } = await import("../lib/tools/host/native.ts");
  return execve(process.execPath, ["k3os", "--version"], env);
}
