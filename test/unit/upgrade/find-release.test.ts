import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { hostTarget } from "../../../lib/tools/host/targets.ts";
import { CHANNEL, channelComment, channelText } from "../../../lib/tools/release/channel.ts";
import { signatureName } from "../../../lib/tools/release/release-list.ts";
import { findRelease } from "../../../lib/upgrade/find-release.ts";
import { testHost } from "../../support/host.ts";
import { serveLoopback } from "../../support/loopback.ts";
import { makeSecretKey, signContent } from "../../support/minisign.ts";
import { signedList } from "../../support/release.ts";

const { arch } = hostTarget();
const secret = makeSecretKey();
const trust = { kind: "keys", keys: [secret.publicKey] } as const;
const FILES = { [`k3os-rootfs-${arch}.tar.gz`]: "tarball" };

/** A release's list and signature below a path. */
function at(path: string, version: string): Record<string, string | Uint8Array> {
  const list = Object.entries(signedList(FILES, { secret, version }));
  return Object.fromEntries(list.map(([name, content]) => [`${path}/${name}`, content]));
}

type Answer = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Serves files; `first` may answer before. */
async function serve(files: Readonly<Record<string, string | Uint8Array>>, first: Answer = () => false) {
  return await serveLoopback((request, response) => {
    if (first(request, response)) return;
    const content = files[request.url ?? ""];
    response.writeHead(content === undefined ? 404 : 200).end(content ?? "no");
  });
}

const redirect =
  (from: string, to: string): Answer =>
  (request, response) => {
    if (request.url !== from) return false;
    response.writeHead(302, { location: to }).end();
    return true;
  };

async function find(env: Record<string, string>) {
  using host = testHost({ env });
  const { directory, version } = await findRelease({ arch, trust }, host);
  return [directory, version];
}

describe("findRelease()", () => {
  test("finds the latest of a mirror as its signed channel tells it", async () => {
    const text = channelText({ latest: "v0.32.0", releases: [] });
    const comment = channelComment({ timestamp: 1, expires: 99_999_999_999 });
    const channel = {
      [`/m/${CHANNEL}`]: text,
      [`/m/${CHANNEL}.minisig`]: signContent(Buffer.from(text), comment, secret),
    };
    await using server = await serve({
      ...channel,
      ...at("/m/v0.32.0", "v0.32.0"),
      ...at("/m/latest", "v0.31.0"),
    });
    const base = `${server.origin}/m`;
    expect(await find({ K3OS_RELEASE_URL: base })).toEqual([`${base}/v0.32.0`, "v0.32.0"]);
    // without the release that it names, a mirror is what it was
    await using older = await serve({ ...channel, ...at("/m/latest", "v0.31.0") });
    expect((await find({ K3OS_RELEASE_URL: `${older.origin}/m` }))[1]).toBe("v0.31.0");
  }, 20_000);

  test("finds the latest as GitHub tells it, without fetching a page", async () => {
    await using server = await serve(
      at("/releases/download/v0.31.0", "v0.31.0"),
      redirect("/releases/latest", "/releases/tag/v0.31.0"),
    );
    const base = `${server.origin}/releases`;
    expect(await find({ K3OS_RELEASE_URL: `${base}/` })).toEqual([`${base}/download/v0.31.0`, "v0.31.0"]);
    expect(server.requests.map(({ method, url }) => [method, url])).toEqual([
      ["HEAD", "/releases/latest"],
      ["GET", `/releases/download/v0.31.0/sha256sum-${arch}.txt`],
      ["GET", `/releases/download/v0.31.0/sha256sum-${arch}.txt.minisig`],
    ]);
    const named = { K3OS_RELEASE_URL: base, K3OS_VERSION: "v0.31.0" };
    expect(await find(named)).toEqual([`${base}/download/v0.31.0`, "v0.31.0"]);
  });

  test("follows a project to its new name", async () => {
    const moved = redirect("/old/releases/latest", "/new/releases/latest");
    const told = redirect("/new/releases/latest", "/new/releases/tag/v0.31.0%2Brc1");
    await using server = await serve(
      at("/new/releases/download/v0.31.0+rc1", "v0.31.0+rc1"),
      (...call) => moved(...call) || told(...call),
    );
    expect((await find({ K3OS_RELEASE_URL: `${server.origin}/old/releases` }))[1]).toBe("v0.31.0+rc1");
  });

  test("asks the API, for the latest and for one by name", async () => {
    const json = (tag: string, origin: string) =>
      JSON.stringify({
        tag_name: tag,
        assets: [{ name: "x", browser_download_url: `${origin}/files/${tag}/x` }],
      });
    const answer: Answer = (request, response) => {
      const [, tag] = /^\/repos\/o\/r\/releases\/(latest|tags\/.+)$/.exec(request.url ?? "") ?? [];
      if (tag === undefined) return false;
      response.setHeader("content-type", "application/json; charset=utf-8");
      const version = tag === "latest" ? "v0.31.0" : tag.slice(5);
      response.end(json(version, `http://${request.headers.host}`));
      return true;
    };
    const files = { ...at("/files/v0.31.0", "v0.31.0"), ...at("/files/v0.30.0", "v0.30.0") };
    await using server = await serve(files, answer);
    const base = `${server.origin}/repos/o/r/releases`;
    for (const url of [base, `${base}/latest`]) {
      const latest = await find({ K3OS_RELEASE_URL: url });
      expect(latest).toEqual([`${server.origin}/files/v0.31.0`, "v0.31.0"]);
    }
    const older = await find({ K3OS_RELEASE_URL: base, K3OS_VERSION: "v0.30.0" });
    expect(older).toEqual([`${server.origin}/files/v0.30.0`, "v0.30.0"]);
  });

  test("finds a version, and what is called latest, on a plain mirror", async () => {
    const files = { ...at("/k3os/v0.31.0", "v0.31.0"), ...at("/k3os/latest", "v0.31.0") };
    await using server = await serve(files, redirect("/k3os/latest", "/k3os/latest/"));
    const base = `${server.origin}/k3os`;
    const named = { K3OS_RELEASE_URL: base, K3OS_VERSION: "v0.31.0" };
    expect(await find(named)).toEqual([`${base}/v0.31.0`, "v0.31.0"]);
    expect(await find({ K3OS_RELEASE_URL: base })).toEqual([`${base}/latest`, "v0.31.0"]);
  });

  test("takes a release's own directory, and GitHub's latest/download, as install.sh does", async () => {
    const files = { ...at("/my", "v0.31.0"), ...at("/releases/latest/download", "v0.31.0") };
    await using server = await serve({ ...files, ...at("/releases/download/v0.30.0", "v0.30.0") });
    for (const base of [`${server.origin}/my`, `${server.origin}/releases/latest/download`]) {
      expect(await find({ K3OS_RELEASE_URL: base })).toEqual([base, "v0.31.0"]);
      expect(await find({ K3OS_RELEASE_URL: base, K3OS_VERSION: "0.31.0" })).toEqual([base, "v0.31.0"]);
    }
    const base = `${server.origin}/releases/latest/download`;
    const older = await find({ K3OS_RELEASE_URL: base, K3OS_VERSION: "v0.30.0" });
    expect(older).toEqual([`${server.origin}/releases/download/v0.30.0`, "v0.30.0"]);
  });

  test("takes a local directory as path and as URL, of one release and of several", async () => {
    using host = testHost();
    for (const directory of ["one", "many/v0.31.0", "many/latest"]) {
      mkdirSync(join(host.root, directory), { recursive: true });
      for (const [path, content] of Object.entries(at(join(host.root, directory), "v0.31.0"))) {
        writeFileSync(path, content);
      }
    }
    const [one, many] = [join(host.root, "one"), join(host.root, "many")];
    expect(await find({ K3OS_RELEASE_URL: one })).toEqual([one, "v0.31.0"]);
    expect(await find({ K3OS_RELEASE_URL: `file://${one}` })).toEqual([`file://${one}`, "v0.31.0"]);
    expect(await find({ K3OS_RELEASE_URL: many })).toEqual([`${many}/latest`, "v0.31.0"]);
    const named = { K3OS_RELEASE_URL: many, K3OS_VERSION: "v0.31.0" };
    expect(await find(named)).toEqual([`${many}/v0.31.0`, "v0.31.0"]);
    rmSync(join(one, signatureName(arch)));
    await expect(find({ K3OS_RELEASE_URL: one })).rejects.toThrow("Nobody has signed");
  });

  test("keeps a query behind the path", async () => {
    await using server = await serve({}, (request, response) => {
      const name = /^\/v1\/(.+)\?token=x$/.exec(request.url ?? "")?.[1] ?? "";
      const content = at("", "v1")[`/${name}`];
      response.writeHead(content === undefined ? 404 : 200).end(content);
      return true;
    });
    const env = { K3OS_RELEASE_URL: `${server.origin}/?token=x`, K3OS_VERSION: "v1" };
    expect((await find(env))[1]).toBe("v1");
  });

  test("refuses a release that is signed for another version", async () => {
    await using server = await serve(
      at("/releases/download/v0.31.0", "v0.29.0"),
      redirect("/releases/latest", "/releases/tag/v0.31.0"),
    );
    const call = find({ K3OS_RELEASE_URL: `${server.origin}/releases` });
    await expect(call).rejects.toThrow("is not release v0.31.0: its list is signed for v0.29.0");
  });

  test("refuses a release that is signed for another architecture, or by another key", async () => {
    const other = arch === "arm64" ? "amd64" : "arm64";
    const foreign = Object.values(signedList(FILES, { secret, version: "v1", arch: other }));
    const own = Object.keys(signedList(FILES, { secret, version: "v1" }));
    const lists = [
      Object.fromEntries(own.map((name, i) => [name, foreign[i] ?? ""])),
      signedList(FILES, { secret: makeSecretKey(), version: "v1" }),
    ];
    for (const list of lists) {
      using host = testHost();
      for (const [name, content] of Object.entries(list)) writeFileSync(join(host.root, name), content);
      await expect(find({ K3OS_RELEASE_URL: host.root })).rejects.toThrow("Verifying ");
    }
  });

  test("names all places that it looked at", async () => {
    await using server = await serve({});
    const base = `${server.origin}/releases`;
    const list = `sha256sum-${arch}.txt`;
    await expect(find({ K3OS_RELEASE_URL: base, K3OS_VERSION: "v9" })).rejects.toThrow(
      `Cannot find release v9: there is no "${base}/download/v9/${list}", no "${base}/v9/${list}", no "${base}/${list}"`,
    );
    await expect(find({ K3OS_RELEASE_URL: base })).rejects.toThrow("Cannot find release (the latest)");
  });

  test.each(["../x", "v1/x", "v 1", "-v1"])("refuses the version %j", async (version) => {
    await expect(find({ K3OS_RELEASE_URL: "/nowhere", K3OS_VERSION: version })).rejects.toThrow(
      "is not a version",
    );
  });

  test("needs the version's name where nobody vouches for one", async () => {
    using host = testHost({ files: { [`/sha256sum-${arch}.txt`]: `${"0".repeat(64)}  x\n` } });
    const anyone = { arch, trust: { kind: "anyone" } } as const;
    const env = { K3OS_RELEASE_URL: host.root };
    await expect(findRelease(anyone, { ...host, env })).rejects.toThrow("Cannot tell which version");
    const named = await findRelease(anyone, { ...host, env: { ...env, K3OS_VERSION: "v1" } });
    expect(named.version).toBe("v1");
  });
});
