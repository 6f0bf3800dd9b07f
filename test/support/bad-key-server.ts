import { existsSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";

/**
 * A key server that fails in one way for each path, started as a program of its own inside a sandbox. While the file
 * below exists it gives the good key for every path. Prints a line when it listens.
 */
const WELL = "/run/server-is-well";
const START_LATE = "/run/start-late-server";
const GOOD = process.env.GOOD ?? "";
const HUNDRED_MIB = 100 << 20;

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

let failedOnce = false;

const ANSWERS: Readonly<Record<string, Answer>> = {
  "/html": (response) => {
    response.writeHead(200, { "content-type": "text/html" });
    response.end("<!doctype html>\n<html><body>\nPlease log in to this network\n</body></html>\n");
  },
  "/rubbish": (response) => response.end("ssh-ed25519\nssh-rsa not!base64 x\nssh-rsa AAAA x\n\0\n"),
  "/404": (response) => response.writeHead(404).end("Not Found"),
  "/500": (response) => response.writeHead(500).end(GOOD),
  "/500-then-200": (response) => {
    response.writeHead(failedOnce ? 200 : 500).end(GOOD);
    failedOnce = true;
  },
  "/mixed": (response) =>
    response.end(`# keys\r\n${GOOD}\r\n\r\n<p>\r\nssh-rsa broken\n${GOOD}\x07\n${GOOD}2`),
  "/drip": (response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write("#"), 500);
    response.on("close", () => clearInterval(timer));
  },
  "/never": () => undefined,
  "/large": (response) => sendMuch(response),
  "/large-announced": (response) => {
    response.writeHead(200, { "content-length": HUNDRED_MIB });
    sendMuch(response);
  },
  "/bomb": (response) => {
    response.writeHead(200, { "content-encoding": "gzip" });
    response.end(gzipSync(Buffer.alloc(HUNDRED_MIB, "#\n")));
  },
  "/not-gzip": (response) => response.writeHead(200, { "content-encoding": "gzip" }).end(GOOD),
  "/unknown-encoding": (response) => response.writeHead(200, { "content-encoding": "rot13" }).end(GOOD),
  "/loop": (response) => response.writeHead(302, { location: "/loop" }).end(),
  "/to-file": (response) => response.writeHead(302, { location: "file:///etc/passwd" }).end(),
  "/cut": (response) => {
    response.writeHead(200, { "content-length": 1000 });
    response.write(`${GOOD}\n`, () => response.destroy());
  },
};

/** 100 MiB of lines that are comments to a reader of keys, as fast as they are taken. */
function sendMuch(response: ServerResponse): void {
  const chunk = Buffer.alloc(1 << 16, "#\n");
  let left = HUNDRED_MIB;
  const more = (): void => {
    while (left > 0 && !response.destroyed) {
      left -= chunk.length;
      if (!response.write(chunk)) {
        response.once("drain", more);
        return;
      }
    }
    response.end();
  };
  more();
}

const server = createServer((request, response) => {
  response.on("error", () => response.destroy()); // they hang up on us, and rightly so
  if (existsSync(WELL)) response.end(`${GOOD}\n`);
  else (ANSWERS[request.url ?? ""] ?? ((other) => other.writeHead(404).end()))(response, request);
});
server.listen(8080, "127.0.0.1", () => process.stdout.write("ready\n"));

const waiting = setInterval(() => {
  if (!existsSync(START_LATE)) return;
  clearInterval(waiting);
  setTimeout(() => createServer((_, response) => response.end(GOOD)).listen(8081, "127.0.0.1"), 2_000);
}, 100);
