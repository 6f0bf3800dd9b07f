import { describe, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { runProgram } from "../../../lib/tools/host/host.ts";
import type { Release } from "../../../lib/tools/release/read-release.ts";
import { patchName } from "../../../lib/tools/release/release-part.ts";
import { DOWNLOADS, type FetchOptions, fetchVersions } from "../../../lib/upgrade/fetch-files.ts";
import { planVersions } from "../../../lib/upgrade/plan-versions.ts";
import { testHost } from "../../support/host.ts";
import { serveLoopback } from "../../support/loopback.ts";

const sha256 = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");
const VERSIONS = [
  { component: "k3os", version: "v2" },
  { component: "k3s", version: "v1.36.3+k3s1" },
] as const;
const OLD = randomBytes(200_000);
const NEW = Buffer.concat([OLD.subarray(0, 150_000), randomBytes(1000), OLD.subarray(150_000)]);

/** A node with a release beside it: files by name, and what is on the node by path below the system directory. */
function setUp(
  files: Readonly<Record<string, string | Uint8Array>>,
  present: Readonly<Record<string, string | Uint8Array>> = {},
) {
  const host = testHost();
  const [system, directory] = [join(host.root, "system"), join(host.root, "release")];
  mkdirSync(system);
  mkdirSync(directory);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  for (const [path, content] of Object.entries(present)) {
    mkdirSync(dirname(join(system, path)), { recursive: true });
    writeFileSync(join(system, path), content);
  }
  if (existsSync(join(system, "k3os/v1"))) symlinkSync("v1", join(system, "k3os/current"));
  const entries = Object.entries(files);
  const release: Release = {
    version: "v2",
    arch: "amd64",
    files: new Map(entries.map(([name, content]) => [name, sha256(content)])),
    sizes: new Map(entries.map(([name, content]) => [name, Buffer.byteLength(content)])),
    timestamp: 0,
    signed: true,
  };
  const { signal } = new AbortController();
  return {
    host,
    system,
    release,
    directory,
    fetch: async (options: Partial<FetchOptions> = {}) => {
      const all = { system, directory, release, signal, ...options };
      const plans = await planVersions(VERSIONS, all.release, system);
      return await fetchVersions(plans, all, { ...host, run: runProgram });
    },
    [Symbol.dispose]: () => host[Symbol.dispose](),
  };
}

const PLAIN = { "k3os-amd64": "program", "k3os-userland-amd64.squashfs": "userland", "k3s-amd64": "k3s" };

/** `zstd` of a content, or its difference from another. */
async function packed(content: Uint8Array, old?: Uint8Array): Promise<Uint8Array> {
  using host = testHost();
  const [file, base, out] = ["new", "old", "out"].map((name) => join(host.root, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(file, content);
  writeFileSync(base, old ?? "");
  await runProgram(["zstd", "-q", ...(old === undefined ? [] : [`--patch-from=${base}`]), file, "-o", out]);
  return readFileSync(out);
}

describe("fetchVersions()", () => {
  test("makes versions of downloads, and leaves nothing else", async () => {
    using node = setUp(PLAIN);
    expect(await node.fetch()).toEqual([...VERSIONS]);
    expect(readFileSync(join(node.system, "k3os/v2/k3os"), "utf8")).toBe("program");
    expect(readFileSync(join(node.system, "k3os/v2/k3os.squashfs"), "utf8")).toBe("userland");
    expect(readFileSync(join(node.system, "k3s/v1.36.3+k3s1/k3s"), "utf8")).toBe("k3s");
    const modes = ["k3os/v2/k3os", "k3os/v2/k3os.squashfs", "k3s/v1.36.3+k3s1/k3s"];
    expect(modes.map((path) => statSync(join(node.system, path)).mode & 0o777)).toEqual([
      0o755, 0o644, 0o755,
    ]);
    expect(readdirSync(node.system).sort()).toEqual(["k3os", "k3s"]);
  });

  test("takes what other versions have, by its content", async () => {
    using node = setUp(PLAIN, { "k3os/v1/k3os.squashfs": "userland", "k3s/v1.36.3+k3s1/k3s": "k3s" });
    for (const name of ["k3os-userland-amd64.squashfs", "k3s-amd64"]) rmSync(join(node.directory, name));
    await node.fetch();
    expect(readFileSync(join(node.system, "k3os/v2/k3os.squashfs"), "utf8")).toBe("userland");
    expect(statSync(join(node.system, "k3os/v2/k3os.squashfs")).nlink).toBe(1); // no damage is shared
  });

  test("fetches only the difference from a file that it has", async () => {
    const patch = patchName("k3os-amd64", sha256(OLD));
    using node = setUp(
      { ...PLAIN, "k3os-amd64": NEW, [patch]: await packed(NEW, OLD) },
      { "k3os/v1/k3os": OLD },
    );
    expect(statSync(join(node.directory, patch)).size).toBeLessThan(3000);
    rmSync(join(node.directory, "k3os-amd64"));
    await node.fetch();
    expect(readFileSync(join(node.system, "k3os/v2/k3os")).equals(NEW)).toBe(true);
    expect(statSync(join(node.system, "k3os/v2/k3os")).mode & 0o777).toBe(0o755);
  });

  test("fetches the compressed form if there is one", async () => {
    const content = Buffer.alloc(100_000, "k3os");
    using node = setUp({ ...PLAIN, "k3os-amd64": content, "k3os-amd64.zst": await packed(content) });
    rmSync(join(node.directory, "k3os-amd64"));
    await node.fetch();
    expect(readFileSync(join(node.system, "k3os/v2/k3os")).equals(content)).toBe(true);
  });

  test.each([
    ["is not that of zstd", async () => Buffer.from("garbage")],
    ["makes another file", () => packed(OLD)],
  ])("fetches the whole file if its small form %s", async (_, form) => {
    using node = setUp({ ...PLAIN, "k3os-amd64.zst": await form() });
    await node.fetch();
    expect(readFileSync(join(node.system, "k3os/v2/k3os"), "utf8")).toBe("program");
    expect(node.host.logged.join()).toContain("Cannot make k3os-amd64 of k3os-amd64.zst, fetching it whole");
  });

  test("keeps what has arrived when the server fails, and does not fetch it again", async () => {
    using node = setUp(PLAIN);
    const requests: string[] = [];
    let broken = true;
    await using server = await serveLoopback((request, response) => {
      const name = request.url?.slice(1) ?? "";
      requests.push(name);
      if (broken && name === "k3s-amd64") response.writeHead(403).end();
      else response.end(readFileSync(join(node.directory, name)));
    });
    const options = { directory: server.origin };
    await expect(node.fetch(options)).rejects.toThrow("status 403");
    expect(readdirSync(join(node.system, DOWNLOADS))).toHaveLength(2);
    expect(existsSync(join(node.system, "k3os"))).toBe(false);
    broken = false;
    await node.fetch(options);
    expect(requests.filter((name) => name === "k3os-amd64")).toHaveLength(1);
    expect(readdirSync(node.system).sort()).toEqual(["k3os", "k3s"]);
  });

  test("removes downloads of other releases", async () => {
    using node = setUp(PLAIN, { ".download/0123456789abcdef-k3os-amd64.partial": "x" });
    await expect(node.fetch({ directory: "http://127.0.0.1:9" })).rejects.toThrow("Cannot download");
    expect(existsSync(join(node.system, DOWNLOADS))).toBe(false);
  });

  test("trusts no file that it finds among the downloads", async () => {
    const stored = `${sha256("program").slice(0, 16)}-k3os-amd64`;
    using node = setUp(PLAIN, { [`.download/${stored}`]: "PROGRAM" });
    await node.fetch();
    expect(readFileSync(join(node.system, "k3os/v2/k3os"), "utf8")).toBe("program");
  });

  test("gives nothing its name that a check refuses", async () => {
    using node = setUp(PLAIN);
    const check = async () => {
      throw new Error("not this one");
    };
    await expect(node.fetch({ check })).rejects.toThrow("not this one");
    expect(readdirSync(node.system)).toEqual([]);
  });

  test("begins nothing without enough space", async () => {
    using node = setUp(PLAIN);
    const sizes = new Map([["k3os-amd64", 1e15]]);
    await expect(node.fetch({ release: { ...node.release, sizes } })).rejects.toThrow(
      "has too little free space",
    );
    expect(existsSync(join(node.system, "k3os"))).toBe(false);
  });

  test("ends when it is told to", async () => {
    using node = setUp(PLAIN);
    const signal = AbortSignal.abort(new Error("closed"));
    await expect(node.fetch({ signal })).rejects.toThrow("closed");
    expect(existsSync(join(node.system, "k3os"))).toBe(false);
  });
});
