import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";

/** The program of {@link serveDirectory}: prints its port, and serves until it is killed. */
function serve(directory: string): void {
  const server = createServer((request, response) => {
    const file = join(directory, basename(request.url ?? ""));
    const found = statSync(file, { throwIfNoEntry: false });
    if (!found?.isFile()) return response.writeHead(404).end();
    response.writeHead(200, { "content-length": found.size });
    if (request.method === "HEAD") return response.end();
    return createReadStream(file, { highWaterMark: 1 << 18 }).pipe(response);
  });
  server.listen(0, "127.0.0.1", () => {
    process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
  });
}

serve(process.argv[2] ?? ".");
