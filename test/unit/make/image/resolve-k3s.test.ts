import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { BuildContext } from "../../../../lib/make/build/context.ts";
import { runStep } from "../../../../lib/make/build/run-step.ts";
import { resolveK3s, versionOfUrl } from "../../../../lib/make/image/resolve-k3s.ts";
import { serveFiles } from "../../../../lib/make/vm/http-server.ts";
import { targetOf } from "../../../../lib/tools/host/targets.ts";
import type { TestHost } from "../../../support/host.ts";
import { testHost } from "../../../support/host.ts";
import { PROJECT } from "../../../support/sources.ts";

const AMD64 = targetOf("amd64");

function contextOf(host: TestHost): Pick<BuildContext, "make" | "host"> {
  const environment = { host, project: PROJECT, cache: host.root, sharedCache: host.root };
  return { host, make: (step, work) => runStep(step, work, environment) };
}

describe("versionOfUrl()", () => {
  test("reads the release's tag, encoded or not", () => {
    expect(versionOfUrl("https://x/download/v1.31.9%2Bk3s1/k3s")).toBe("v1.31.9+k3s1");
    expect(versionOfUrl("https://x/download/v1.31.9+k3s1/k3s-arm64")).toBe("v1.31.9+k3s1");
    expect(versionOfUrl("https://x/k3s")).toBeUndefined();
  });
});

describe("resolveK3s()", () => {
  test("gives none for none", async () => {
    using host = testHost();
    expect(await resolveK3s("none", AMD64, contextOf(host))).toBeUndefined();
  });

  test("takes a file as it is", async () => {
    using host = testHost({ files: { "/k3s": "binary" } });
    const k3s = await resolveK3s(`${host.root}/k3s`, AMD64, contextOf(host));
    expect(k3s?.executable.path).toBe(`${host.root}/k3s`);
    expect(k3s?.version).toMatch(/^v\d+\.\d+\.\d+\+k3s\d+$/);
  });

  test("refuses a file that is not there", async () => {
    using host = testHost();
    await expect(resolveK3s("/no/such/k3s", AMD64, contextOf(host))).rejects.toThrow(
      'the k3s "/no/such/k3s"',
    );
  });

  test("downloads a URL, with the version that it names", async () => {
    using host = testHost();
    await using server = await serveFiles({ "/v1.30.1%2Bk3s2/k3s": "binary" });
    const url = `http://127.0.0.1:${server.port}/v1.30.1%2Bk3s2/k3s`;
    const k3s = await resolveK3s(url, AMD64, contextOf(host));
    expect(k3s?.version).toBe("v1.30.1+k3s2");
    expect(readFileSync(k3s?.executable.path ?? "", "utf8")).toBe("binary");
  });

  test("fails for a URL that the server does not have", async () => {
    using host = testHost();
    await using server = await serveFiles({});
    await expect(resolveK3s(`http://127.0.0.1:${server.port}/k3s`, AMD64, contextOf(host))).rejects.toThrow(
      "404",
    );
  });
});
