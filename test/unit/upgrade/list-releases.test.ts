import { describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { listReleases } from "../../../lib/upgrade/list-releases.ts";
import { testHost } from "../../support/host.ts";
import { serveLoopback } from "../../support/loopback.ts";

/** What is listed at `path` of a server that answers only `url`, with `text`. */
async function listed(path: string, url: string, text: string): Promise<readonly string[]> {
  await using server = await serveLoopback((request, response) => {
    response.writeHead(request.url === url ? 200 : 404).end(text);
  });
  using host = testHost();
  return await listReleases(`${server.origin}${path}`, host);
}

describe("listReleases()", () => {
  test("asks GitHub's API, and leaves out drafts and prereleases", async () => {
    const text = JSON.stringify([
      { tag_name: "v0.36.3-k3s1r9" },
      { tag_name: "v0.37.0-k3s1r0", prerelease: true },
      { tag_name: "v0.36.3-k3s1r10", draft: false },
      { tag_name: "v0.38.0-k3s1r0", draft: true },
    ]);
    const found = await listed(
      "/repos/k3os/k3os/releases/latest",
      "/repos/k3os/k3os/releases?per_page=100",
      text,
    );
    expect(found).toEqual(["v0.36.3-k3s1r10", "v0.36.3-k3s1r9"]);
  });

  test("reads the page of a server that lists its directories", async () => {
    const page =
      '<a href="../">up</a> <a href="v0.35.9-k3s1r0/">x</a> <a href="./v0.36.3-k3s1r0/">y</a> <a href="z">z</a>';
    expect(await listed("/releases", "/releases/", page)).toEqual(["v0.36.3-k3s1r0", "v0.35.9-k3s1r0"]);
  });

  test("lists a directory, without links to the latest", async () => {
    using host = testHost();
    for (const name of ["v0.35.9-k3s1r0", "v0.36.3-k3s1r0", "latest", ".v0.1.0.partial"])
      mkdirSync(join(host.root, name));
    expect(await listReleases(host.root, host)).toEqual(["v0.36.3-k3s1r0", "v0.35.9-k3s1r0"]);
  });

  test("is empty where a server lists nothing", async () => {
    expect(await listed("/releases", "/elsewhere", "")).toEqual([]);
    expect(await listed("/releases", "/releases/", '{"no": "list"}')).toEqual([]);
  });
});
