import { describe, expect, test } from "bun:test";
import { appendFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { sha256File } from "../../../../lib/tools/fs/checksums.ts";
import { copyContent } from "../../../../lib/tools/fs/copy-content.ts";
import { elfMachine } from "../../../../lib/tools/fs/elf-machine.ts";
import {
  contentOf,
  openRegular,
  readBounded,
  readIfThere,
  readTextIfThere,
} from "../../../../lib/tools/fs/read-bounded.ts";
import { runProgram } from "../../../../lib/tools/host/host.ts";
import { fetchBytes } from "../../../../lib/tools/http/http.ts";
import { receive } from "../../../../lib/tools/http/http-receive.ts";
import { sizeOf } from "../../../../lib/tools/http/http-size.ts";
import { readPublicKey } from "../../../../lib/tools/release/signature-keys.ts";
import { messageOf } from "../../../../lib/tools/text/errors.ts";
import { type TestHost, testHost } from "../../../support/host.ts";
import { readSources } from "../../../support/sources.ts";

/** A pipe that nobody writes to: whoever opens it to read waits for ever. */
async function makePipe(host: TestHost): Promise<string> {
  const path = join(host.root, "pipe");
  await runProgram(["mkfifo", path]);
  return path;
}

function failure(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return messageOf(error);
  }
  return "";
}

describe("readIfThere()", () => {
  test("is nothing where there is no file, nor a directory that leads to it", () => {
    using host = testHost({ files: { "/a": "text", "/empty": "" } });
    const read = (name: string) => readTextIfThere(join(host.root, name));
    expect([read("a"), read("empty"), read("none"), read("none/b"), read("a/b")]).toEqual([
      ...["text", "", undefined, undefined, undefined],
    ]);
    expect(readIfThere(join(host.root, "a"))).toEqual(Buffer.from("text"));
  });

  test("refuses what is there and no file, or too large", () => {
    using host = testHost({ files: { "/a": "text" } });
    symlinkSync("a", join(host.root, "link"));
    expect(failure(() => readIfThere(host.root))).toContain("found a directory");
    expect(failure(() => readIfThere(join(host.root, "a"), { maxBytes: 3 }))).toContain("larger than 3");
    expect(failure(() => readIfThere(join(host.root, "link"), { follow: false }))).toContain("symbolic link");
  });

  test("is the only way to read what may be missing", () => {
    const asking = /(existsSync|isThere)\([^?;]*\) \? read(FileSync|Bounded|TextBounded)\(/;
    const others = readSources(["commands", "lib"]).filter(({ path, text }) => {
      return !path.startsWith("lib/make/") && asking.test(text);
    });
    // a link that leads nowhere is kept there, not replaced
    expect(others.map(({ path }) => path)).toEqual([
      "lib/boot/system/kept-text.ts",
      "lib/boot/system/ssh-settings.ts",
    ]);
  });
});

describe("readBounded()", () => {
  test("returns what a file holds, also one of /proc that says it is empty", () => {
    using host = testHost({ files: { "/file": "content" } });
    expect(readBounded(`${host.root}/file`).toString()).toBe("content");
    expect(readBounded("/proc/self/status").toString()).toStartWith("Name:");
  });

  test("takes a file that is as large as the limit, and none that is larger", () => {
    using host = testHost({ files: { "/file": "12345" } });
    expect(readBounded(`${host.root}/file`, { maxBytes: 5 }).length).toBe(5);
    expect(failure(() => readBounded(`${host.root}/file`, { maxBytes: 4 }))).toBe("larger than 4 bytes");
    // what says that it is empty has a limit, too
    expect(failure(() => readBounded("/proc/self/status", { maxBytes: 4 }))).toBe("larger than 4 bytes");
  });

  test("refuses what is no file, and waits for nobody", async () => {
    using host = testHost();
    expect(failure(() => readBounded(host.root))).toBe("found a directory, expected a file");
    expect(failure(() => readBounded("/dev/zero"))).toBe("found a device, expected a file");
    const pipe = await makePipe(host);
    expect(failure(() => readBounded(pipe))).toBe("found a pipe, expected a file");
    const socket = join(host.root, "socket");
    await using server = createServer();
    await new Promise<void>((resolve) => void server.listen(socket, resolve));
    expect(failure(() => readBounded(socket))).toBe("found a socket, expected a file");
  });

  test("follows a link, unless it is told not to", () => {
    using host = testHost({ files: { "/file": "content" } });
    const link = join(host.root, "link");
    symlinkSync("file", link);
    expect(readBounded(link).toString()).toBe("content");
    expect(failure(() => readBounded(link, { follow: false }))).toBe(
      "found a symbolic link, expected a file",
    );
  });
});

test("contentOf() ends where the file ended when it was opened", async () => {
  using host = testHost({ files: { "/log": "12345" } });
  const path = join(host.root, "log");
  using file = openRegular(path);
  const pieces: Buffer[] = [];
  for await (const piece of contentOf(file, Buffer.alloc(2))) {
    pieces.push(Buffer.from(piece));
    appendFileSync(path, "more");
  }
  expect(pieces.map(String)).toEqual(["12", "34", "5"]);
});

test("nothing that takes a path waits for the other end of a pipe", async () => {
  using host = testHost();
  const pipe = await makePipe(host);
  const consumer = {
    write: async () => undefined,
    restart: async () => undefined,
    scratch: `${host.root}/s`,
  };
  const watch = { onPiece: () => undefined, signal: AbortSignal.abort() };
  const readers: readonly (() => unknown)[] = [
    () => fetchBytes(pipe, {}, host),
    () => receive(pipe, consumer, {}, host),
    () => sizeOf(pipe, {}, host),
    () => sha256File(pipe),
    () => readPublicKey(pipe),
    () => elfMachine(pipe),
    () => copyContent(pipe, `${host.root}/copy`, watch),
  ];
  for (const reader of readers) {
    const message = await Promise.resolve()
      .then(reader)
      .then(() => "", messageOf);
    expect(message).toMatch(/(found|is) a pipe, expected a file/);
  }
});

test("receive() takes of a local file no more than is accepted", async () => {
  using host = testHost({ files: { "/file": "12345" } });
  const consumer = {
    write: async () => undefined,
    restart: async () => undefined,
    scratch: `${host.root}/s`,
  };
  const call = receive(join(host.root, "file"), consumer, { maxBytes: 4 }, host);
  expect(await call.then(() => "", messageOf)).toContain("larger than 4 bytes");
});

test("copyContent() copies no link", async () => {
  using host = testHost({ files: { "/secret": "secret" } });
  mkdirSync(join(host.root, "medium"));
  symlinkSync("../secret", join(host.root, "medium/link"));
  const copy = join(host.root, "copy");
  writeFileSync(copy, "");
  const signal = new AbortController().signal;
  const call = copyContent(join(host.root, "medium/link"), copy, { onPiece: () => undefined, signal });
  expect(await call.then(() => "", messageOf)).toBe("found a symbolic link, expected a file");
  expect(readFileSync(copy, "utf8")).toBe("");
});
