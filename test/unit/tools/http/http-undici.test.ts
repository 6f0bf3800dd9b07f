import { expect, test } from "bun:test";
import { join } from "node:path";
import { runProgram } from "../../../../lib/tools/host/host.ts";
import { PROJECT } from "../../../support/sources.ts";

const SIZE = 2_000_000;

/** Reads slowly what a server sent before it closed the connection; prints how many bytes have come. */
function program(loading: string): string {
  return `
    import { createServer } from "node:net";
    process.on("uncaughtException", () => process.kill(process.pid, "SIGKILL"));
    const server = createServer((socket) => {
      socket.once("data", () => server.close() && socket.end("HTTP/1.0 200 OK\\r\\n\\r\\n" + "x".repeat(${SIZE})));
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { Agent } = ${loading};
    const origin = "http://127.0.0.1:" + server.address().port;
    const { body } = await new Agent().request({ origin, path: "/", method: "GET" });
    const slow = () => new Promise((resolve) => setTimeout(resolve, 5));
    let bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.length;
      await slow();
    }
    console.log(bytes);
  `;
}

/** What the program printed; undefined where it was ended by an error that nobody can catch. */
async function run(loading: string): Promise<string | undefined> {
  const argv = [process.execPath, "-e", program(loading)];
  return runProgram(argv, { cwd: PROJECT }).then(
    ({ stdout }) => stdout,
    () => undefined,
  );
}

test("loadUndici() reads to the end what a server sent before it closed the connection", async () => {
  const ours = JSON.stringify(join(PROJECT, "lib/tools/http/http-undici.ts"));
  expect(await run(`await (await import(${ours})).loadUndici()`)).toBe(`${SIZE}\n`);
});

test("undici by itself does not: when this fails, its mend in http-undici.ts has to go", async () => {
  expect(await run(`(await import("undici/index.js")).default`)).toBeUndefined();
});
