import { createReadStream, statSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";

export interface FileServer extends AsyncDisposable {
  readonly port: number;
  /** Requested paths, in order. */
  readonly requests: readonly string[];
}

/** Served content: a text, bytes, or a file of this machine, read at each request. */
export type Served = string | Uint8Array | { readonly file: string };

/** Serves fixed contents by path on a free port of loopback; any other path is a 404. */
export async function serveFiles(files: Readonly<Record<string, Served>>): Promise<FileServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    requests.push(path);
    const body = Object.hasOwn(files, path) ? files[path] : undefined;
    if (typeof body === "object" && "file" in body) return sendFile(body.file, response);
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

function sendFile(file: string, response: ServerResponse): void {
  response.writeHead(200, { "content-length": statSync(file).size });
  createReadStream(file).pipe(response);
}
