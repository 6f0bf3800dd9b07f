import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A registry of container images on loopback, Debian's docker-registry, without TLS and login. */
export interface Registry extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly name: string;
}

export async function startRegistry(): Promise<Registry> {
  const directory = mkdtempSync(join(tmpdir(), "k3os-registry-"));
  const name = `127.0.0.1:${await freePort()}`;
  const configuration = join(directory, "config.yml");
  const storage = { filesystem: { rootdirectory: join(directory, "images") } };
  writeFileSync(configuration, JSON.stringify({ version: 0.1, storage, http: { addr: name } }));
  const child = spawn("docker-registry", ["serve", configuration], { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  for (let tries = 0; tries < 150; tries++) {
    const answer = await fetch(`http://${name}/v2/`).catch(() => undefined);
    if (answer?.ok) break;
    if (child.exitCode !== null || tries === 149) throw new Error("docker-registry does not answer");
    await Bun.sleep(100);
  }
  return {
    name,
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await ended;
      rmSync(directory, { recursive: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("No TCP port to be had on loopback");
  return address.port;
}
