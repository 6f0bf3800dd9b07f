import { describe, expect, test } from "bun:test";
import { createAccess } from "../../../lib/datasource/access.ts";
import { reach } from "../../../lib/datasource/network/answer.ts";
import { answerBy, NO_PLATFORM, type Routes } from "../../support/cloud.ts";
import { testHost } from "../../support/host.ts";
import { serveLoopback } from "../../support/loopback.ts";

const HOUR = 3_600_000;
/** Nothing listens there. */
const DEAD = "http://127.0.0.1:1";

async function withCloud<T>(
  routes: Routes,
  use: (tools: ReturnType<typeof createAccess> & { origin: string }) => Promise<T>,
  kind: "network" | "local" = "network",
): Promise<T> {
  using host = testHost({ env: { http_proxy: `${DEAD}/` } });
  await using server = await serveLoopback((request, response) => answerBy(routes, request, response));
  const options = {
    platform: NO_PLATFORM,
    recognised: false,
    end: host.clock.monotonic() + HOUR,
    signal: new AbortController().signal,
    isOver: () => false,
  };
  return await use({ ...createAccess({ name: "test", kind }, options, host), origin: server.origin });
}

async function message(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("Expected a failure");
}

describe("Access.fetch()", () => {
  test("gives the content, nothing for 204 and for what means none", async () => {
    await withCloud({ "/a": "text", "/b": 204, "/c": 410 }, async ({ access, origin }) => {
      expect((await access.fetch(`${origin}/a`))?.toString()).toBe("text");
      expect(await access.fetch(`${origin}/b`)).toBeUndefined();
      expect(await access.fetch(`${origin}/gone`)).toBeUndefined();
      expect(await access.fetch(`${origin}/c`, { none: [410] })).toBeUndefined();
    });
  });

  test("refuses a web page, whatever its status is", async () => {
    await withCloud({ "/a": "\n<!doctype HTML>\n<p>log in" }, async ({ access, origin, record }) => {
      expect(await message(access.fetch(`${origin}/a`))).toEndWith("found a web page, expected metadata");
      expect(record.asked).toMatchObject([{ status: 200, problem: "found a web page, expected metadata" }]);
    });
  });

  test("records each request with its status, and why it failed", async () => {
    await withCloud({ "/a": 403 }, async ({ access, origin, record }) => {
      await message(access.fetch(`${origin}/a`));
      await access.fetch(`${origin}/b`);
      expect(record.asked).toMatchObject([
        { method: "GET", url: `${origin}/a`, status: 403, problem: "the server answered with status 403" },
        { method: "GET", url: `${origin}/b`, status: 404 },
      ]);
    });
  });

  test("records no secret of a user's own URL", async () => {
    await withCloud(
      {},
      async ({ access, origin, record }) => {
        await access.fetch(`${origin.replace("//", "//me:word@")}/seed?signature=abc`);
        expect(record.asked[0]?.url).toBe(`${origin.replace("//", "//***@")}/seed?…`);
      },
      "local",
    );
  });
});

describe("reach()", () => {
  test("goes on with the address that answers", async () => {
    await withCloud({ "/x": "here" }, async ({ access, origin }) => {
      const { base, content } = await reach([DEAD, origin], "/x", {}, access);
      expect([base, content?.toString()]).toEqual([origin, "here"]);
    });
  });

  test("takes a refusal for an answer, and none for a failure of the first address", async () => {
    await withCloud({ "/x": 403 }, async ({ access, origin }) => {
      expect(await message(reach([DEAD, origin], "/x", {}, access))).toContain("status 403");
      expect(await message(reach([`${DEAD}/a`, `${DEAD}/b`], "/x", {}, access))).toContain(`${DEAD}/a/x`);
    });
  });
});
