import { createServer } from "node:http";

export interface FileServer extends AsyncDisposable {
  readonly port: number;
  /** Paths that were asked for, in order. */
  readonly requests: readonly string[];
}

/** Serves fixed texts by path on a free port of loopback; any other path is a 404. */
export async function serveFiles(files: Readonly<Record<string, string | Uint8Array>>): Promise<FileServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    requests.push(path);
    const body = Object.hasOwn(files, path) ? files[path] : undefined;
    response.writeHead(body === undefined ? 404 : 200, { "content-type": "text/plain" });
    response.end(body ?? "not here\n");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: 0, host: "127.0.0.1" }, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("No TCP port to be had on loopback");
  return {
    port: address.port,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
