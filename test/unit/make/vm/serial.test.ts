import { describe, expect, test } from "bun:test";
import { connect, createServer, type Socket } from "node:net";
import {
  consoleTail,
  type SerialConsole,
  serialConsole,
  stripEscapes,
} from "../../../../lib/make/vm/serial.ts";

const SOON = { timeout: 2000 };

/** A console, and the machine's end of its serial line. */
async function connected(): Promise<{ guest: Socket; screen: SerialConsole } & Disposable> {
  const server = createServer();
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
  await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1" }, resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("No TCP port to be had on loopback");
  const guest = connect(address.port, "127.0.0.1");
  const screen = serialConsole(await accepted);
  return {
    guest,
    screen,
    [Symbol.dispose]: () => {
      guest.destroy();
      server.close();
    },
  };
}

describe("serialConsole()", () => {
  test("consumes what it matched, and finds text split over packets and escapes", async () => {
    using line = await connected();
    line.guest.write("\u001b[32mlog");
    line.guest.write("in:\u001b[0m login: ");
    expect((await line.screen.expect(/login:/, SOON)).index).toBe(0);
    await line.screen.expect(/login:/, SOON);
    expect(line.screen.text()).toBe("login: login: ");
  });

  test("sends what is typed", async () => {
    using line = await connected();
    const received = new Promise<string>((resolve) =>
      line.guest.once("data", (data) => resolve(String(data))),
    );
    line.screen.send("root\r");
    expect(await received).toBe("root\r");
  });

  test("fails with the end of the console when the time is over", async () => {
    using line = await connected();
    line.guest.write("Loading\n");
    await line.screen.expect(/Loading/, SOON);
    const failure = line.screen.expect(/login:/, { timeout: 20 });
    await expect(failure).rejects.toThrow(/did not show[\s\S]*Loading/);
  });

  test("fails at once when the kernel panics", async () => {
    using line = await connected();
    const failure = line.screen.expect(/login:/, SOON);
    line.guest.write("Kernel panic - not syncing: No init found\n");
    await expect(failure).rejects.toThrow("Kernel panic - not syncing: No init found");
  });

  test("fails at once when the machine ends", async () => {
    using line = await connected();
    const failure = line.screen.expect(/login:/, SOON);
    line.guest.end();
    await expect(failure).rejects.toThrow("Machine ended");
  });
});

describe("stripEscapes()", () => {
  test.each([
    ["a\u001b[1;31mb\u001b[0mc", "abc", ""],
    ["\u001b]0;title\u0007x", "x", ""],
    ["\u001b[?25l\u001bcx", "x", ""],
    ["x\u001b[3", "x", "\u001b[3"],
    ["x\u001b", "x", "\u001b"],
    ["x\u001b]0;ti", "x", "\u001b]0;ti"],
    ["a\u001b[2 \u001b[0mmenu", "a[2 menu", ""], // characters lost on the line
  ])("of %j", (text, plain, unfinished) => {
    expect(stripEscapes(text)).toEqual([plain, unfinished]);
  });
});

test("consoleTail() keeps the last lines, without empty ones", () => {
  expect(consoleTail("a\r\n\r\nb\r\nc\r\n", 2).split("\n").slice(1, -1)).toEqual(["b", "c"]);
});
