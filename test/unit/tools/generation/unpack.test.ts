import { describe, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type UnpackOptions, unpackRelease } from "../../../../lib/tools/generation/unpack.ts";
import { Interrupted } from "../../../../lib/tools/text/errors.ts";
import { type TestHost, testHost } from "../../../support/host.ts";
import { type Loopback, serveLoopback } from "../../../support/loopback.ts";
import {
  directory,
  ELF_START,
  type Entry,
  file,
  link,
  releaseEntries,
  tar,
  tarball,
} from "../../../support/tarball.ts";

const sha256 = (content: Uint8Array) => createHash("sha256").update(content).digest("hex");
const never = new AbortController().signal;

/** A system with version v1, in the host's root. */
function systemHost(): TestHost {
  return testHost({ files: { "/k3os/v1/k3os": "old" } });
}

async function unpack(url: string, host: TestHost, options: Partial<UnpackOptions> = {}) {
  return await unpackRelease(
    url,
    {
      system: host.root,
      components: ["k3os", "k3s"],
      sha256: undefined,
      version: undefined,
      elfMachine: 62,
      signal: never,
      ...options,
    },
    host,
  );
}

/** The failure of unpacking `content`, after which nothing must be left of it. */
async function failure(content: Uint8Array, options: Partial<UnpackOptions> = {}): Promise<string> {
  using host = systemHost();
  writeFileSync(join(host.root, "archive"), content);
  const before = readdirSync(host.root, { recursive: true }).sort();
  const error = await unpack(join(host.root, "archive"), host, options).then(
    () => "no failure",
    (thrown: Error) => `${thrown.message}: ${(thrown.cause as Error | undefined)?.message}`,
  );
  expect(readdirSync(host.root, { recursive: true }).sort()).toEqual(before);
  return error;
}

const hostile = (...entries: readonly Entry[]) => tarball([...releaseEntries("v2").slice(0, 6), ...entries]);
const V2 = "v2/k3os/system/k3os/v2";

describe("unpackRelease()", () => {
  test("puts the components wanted beside the others, and skips the rest", async () => {
    using host = systemHost();
    const content = await tarball(
      [
        ...releaseEntries("v2"),
        directory(`${V2}/lib`),
        file(`${V2}/lib/empty`, ""),
        file(`${V2}/lib/setuid`, "x", 0o6755),
        link(`${V2}/lib/link`, "../k3os"),
      ].sort((a, b) => (a.name < b.name ? -1 : 1)),
    );
    writeFileSync(join(host.root, "archive"), content);
    const options = { sha256: sha256(content), version: "v2" };
    expect(await unpack(join(host.root, "archive"), host, options)).toEqual([
      { component: "k3os", version: "v2" },
      { component: "k3s", version: "v1.31.0+k3s1" },
    ]);
    expect(readdirSync(host.root, { recursive: true }).sort()).toEqual([
      ...["archive", "k3os", "k3os/v1", "k3os/v1/k3os", "k3os/v2", "k3os/v2/k3os", "k3os/v2/k3os.squashfs"],
      ...["k3os/v2/lib", "k3os/v2/lib/empty", "k3os/v2/lib/link", "k3os/v2/lib/setuid"],
      ...["k3s", "k3s/v1.31.0+k3s1", "k3s/v1.31.0+k3s1/k3s"],
    ]);
    const mode = (name: string) => lstatSync(join(host.root, "k3os/v2", name)).mode & 0o7777;
    expect([mode("k3os"), mode("k3os.squashfs"), mode("lib"), mode("lib/setuid")]).toEqual([
      0o755, 0o644, 0o755, 0o755,
    ]);
    expect(readFileSync(join(host.root, "k3os/v2/k3os"), "utf8")).toBe(`${ELF_START}v2 of k3os`);
    expect(readlinkSync(join(host.root, "k3os/v2/lib/link"))).toBe("../k3os");
  });

  test.each([
    [
      "of another digest",
      tarball(releaseEntries("v2")),
      "is not the expected file",
      { sha256: "0".repeat(64) },
    ],
    [
      "of another version",
      tarball(releaseEntries("v2")),
      "holds k3os v2, but is signed as v3",
      { version: "v3" },
    ],
    ["for another architecture", tarball(releaseEntries("v2")), "another architecture", { elfMachine: 183 }],
    ["without k3os", tarball(releaseEntries("v2").slice(8)), "holds no k3os", {}],
    ["that is no gzip", tar(releaseEntries("v2")), "not a complete .tar.gz", {}],
    ["that is empty", Buffer.alloc(0), "not a complete .tar.gz", {}],
    ["that is no tar", gzipSync(randomBytes(5000)), "not a complete .tar.gz", {}],
    ["of an error page", Buffer.from("<html>not found</html>"), "not a complete .tar.gz", {}],
    ["with a name that leads out", hostile(file("v2/../../x", "x")), "is not a plain one", {}],
    ["with an absolute name", hostile(file("/etc/x", "x")), "is not a plain one", {}],
    ["with a hard link", hostile({ ...link(`${V2}/x`, "/etc/passwd"), type: "link" }), "it is a link", {}],
    ["with a device", hostile({ ...file(`${V2}/x`, ""), type: "block-device" }), "it is a block-device", {}],
    ["with a link that leads out", hostile(link(`${V2}/x`, "../../..")), "out of its directory", {}],
    [
      "that writes through a link",
      hostile(link(`${V2}/x`, "."), file(`${V2}/x/y`, "z")),
      "not its directory",
      {},
    ],
    ["with a name twice", hostile(file(`${V2}/x`, "1"), file(`${V2}/x`, "2")), "twice", {}],
    [
      "with a file for a directory",
      hostile(file(`${V2}/x`, "1"), file(`${V2}/x/y`, "2")),
      "not its directory",
      {},
    ],
    ["with two versions", hostile(directory("v2/k3os/system/k3os/v3")), "two versions of k3os: v2, v3", {}],
    ["with two current links", hostile(link("v2/k3os/system/k3os/current", "v2")), "twice", {}],
    [
      "whose current is another",
      tarball(
        releaseEntries("v2").map((entry) => (entry.linkname === "v2" ? { ...entry, linkname: "v1" } : entry)),
      ),
      "current k3os is v1, but it holds v2",
      {},
    ],
    [
      "with too many entries",
      hostile(...Array.from({ length: 1_000 }, (_, i) => file(`v2/sbin/${i}`, ""))),
      "more than 1000 entries",
      {},
    ],
  ] as const)("refuses an archive %s", async (_, content, message, options) => {
    expect(await failure(await content, options)).toContain(message);
  });

  test("refuses an archive that was cut off anywhere", async () => {
    const content = await tarball(releaseEntries("v2", { content: randomBytes(5000).toString("hex") }));
    for (const length of [1, 10, 1000, content.length >> 1, content.length - 9, content.length - 1]) {
      expect(await failure(content.subarray(0, length))).toContain("not a complete .tar.gz");
    }
    const cut = (await tar(releaseEntries("v2"))).subarray(0, -1024);
    expect(await failure(gzipSync(cut.subarray(0, cut.length - 700)))).toContain("not a complete .tar.gz");
  });

  test("refuses what follows the end, as it is not what was signed", async () => {
    const content = await tarball(releaseEntries("v2"));
    const longer = Buffer.concat([content, Buffer.from("more")]);
    expect(await failure(longer, { sha256: sha256(content) })).not.toBe("no failure");
    const inside = Buffer.concat([await tar(releaseEntries("v2")), Buffer.from("more".repeat(128))]);
    expect(await failure(gzipSync(inside))).toContain("not a complete .tar.gz");
  });

  test("refuses what is too large by what its header says, before it comes", async () => {
    const entries = await tar(releaseEntries("v2").slice(0, 6));
    for (const name of [`${V2}/huge`, "v2/sbin/huge"]) {
      const header = await headerOf(name, 2 ** 31 + 1);
      const content = Buffer.concat([entries.subarray(0, -1024), header, Buffer.alloc(1 << 22)]);
      expect(await failure(gzipSync(content))).toContain("unpacks to more than 2.0 GiB");
    }
  });

  test("goes on where a break was, and starts anew where it cannot", async () => {
    const content = await tarball(releaseEntries("v2", { content: randomBytes(300_000).toString("hex") }));
    for (const resumable of [true, false]) {
      using host = systemHost();
      await using server = await serveBroken(content, { resumable });
      await unpack(server.origin, host, { sha256: sha256(content), version: "v2" });
      expect(server.requests.map(({ headers }) => headers.range !== undefined)).toEqual([false, resumable]);
      expect(statSync(join(host.root, "k3os/v2/k3os")).size).toBe(
        ELF_START.length + 600_000 + " of k3os".length,
      );
      expect(readdirSync(join(host.root, "k3os")).sort()).toEqual(["v1", "v2"]);
    }
  });

  test("leaves nothing when the server breaks off for good", async () => {
    using host = systemHost();
    const content = await tarball(releaseEntries("v2", { content: randomBytes(300_000).toString("hex") }));
    await using server = await serveLoopback((_, response) => breakOff(response, content));
    await expect(unpack(server.origin, host)).rejects.toThrow("Cannot download ");
    expect(readdirSync(host.root, { recursive: true }).sort()).toEqual(["k3os", "k3os/v1", "k3os/v1/k3os"]);
  });

  test("leaves nothing when it is interrupted, and says that", async () => {
    using host = systemHost();
    const interruption = new AbortController();
    const content = await tarball(releaseEntries("v2", { content: randomBytes(300_000).toString("hex") }));
    await using server = await serveLoopback((_, response) => {
      response.writeHead(200, { "content-length": content.length }).write(content.subarray(0, 100_000));
    });
    const onProgress = () => interruption.abort(new Interrupted("Interrupted by SIGTERM"));
    const call = unpack(server.origin, host, { signal: interruption.signal, onProgress });
    await expect(call).rejects.toThrow(new Interrupted("Interrupted by SIGTERM"));
    expect(readdirSync(host.root, { recursive: true }).sort()).toEqual(["k3os", "k3os/v1", "k3os/v1/k3os"]);
  });

  test("replaces what an upgrade that was killed left of the same version", async () => {
    using host = systemHost();
    mkdirSync(join(host.root, "k3os/.v2.partial/k3os"), { recursive: true });
    writeFileSync(join(host.root, "archive"), await tarball(releaseEntries("v2")));
    await unpack(join(host.root, "archive"), host);
    expect(readdirSync(join(host.root, "k3os")).sort()).toEqual(["v1", "v2"]);
  });
});

/** The header of a file that claims a size. */
async function headerOf(name: string, size: number): Promise<Buffer> {
  const header = Buffer.from((await tar([file(name, "")])).subarray(0, 512));
  header.write(size.toString(8).padStart(11, "0"), 124);
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

function breakOff(response: ServerResponse, content: Uint8Array): void {
  response.writeHead(200, { "content-length": content.length });
  response.write(content.subarray(0, content.length >> 1), () => setTimeout(() => response.destroy(), 50));
}

/** A server whose first answer breaks off. */
async function serveBroken(content: Buffer, { resumable }: { resumable: boolean }): Promise<Loopback> {
  return await serveLoopback((request, response, number) => {
    if (resumable) response.setHeader("etag", '"1"');
    if (number === 0) return breakOff(response, content);
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const range = `bytes ${from}-${content.length - 1}/${content.length}`;
    response.writeHead(from > 0 ? 206 : 200, {
      "content-length": content.length - from,
      ...(from > 0 && { "content-range": range }),
    });
    response.end(content.subarray(from));
  });
}
