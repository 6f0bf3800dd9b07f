import { describe, expect, test } from "bun:test";
import type { Metadata, Provider } from "../../../lib/datasource/data-source.ts";
import { optional } from "../../../lib/datasource/network/answer.ts";
import { nothingFound, searchSources } from "../../../lib/datasource/search.ts";
import { HttpError } from "../../../lib/tools/http/http.ts";
import { NO_PLATFORM } from "../../support/cloud.ts";
import { testHost } from "../../support/host.ts";
import { serveLoopback } from "../../support/loopback.ts";

const USERDATA: Metadata = { userdata: Buffer.from("#cloud-config\n") };

interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

function createGate(): Gate {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

function source(name: string, kind: Provider["kind"], read: Provider["read"]): Provider {
  return { name, title: name.toUpperCase(), kind, recognises: () => false, read };
}

async function search(
  providers: readonly Provider[],
  { timeout = 5_000, recognised = false }: { timeout?: number; recognised?: boolean } = {},
) {
  using host = testHost();
  const choices = providers.map((provider) => ({ provider, recognised }));
  const result = await searchSources(choices, { platform: NO_PLATFORM, timeout }, host);
  return { ...result, winner: result.found?.provider.name, logged: host.logged };
}

describe("searchSources()", () => {
  test("takes the first of the list that has user data, though a later one was quicker", async () => {
    const gate = createGate();
    const first = source("first", "network", async () => {
      await gate.opened;
      return USERDATA;
    });
    const second = source("second", "network", async () => {
      gate.open();
      return USERDATA;
    });
    expect((await search([first, second])).winner).toBe("first");
  });

  test("takes user data before an earlier answer without any", async () => {
    const names = source("names", "network", async () => ({ hostname: "a" }));
    const data = source("data", "local", async () => USERDATA);
    expect((await search([names, data])).winner).toBe("data");
  });

  test("takes the first answer of the list where none has user data", async () => {
    const silent = source("silent", "network", async () => undefined);
    const a = source("a", "local", async () => ({ hostname: "a" }));
    const b = source("b", "network", async () => ({ hostname: "b" }));
    const { winner, reports } = await search([silent, a, b]);
    expect(winner).toBe("a");
    expect(reports.map(({ outcome }) => outcome.kind)).toEqual(["absent", "answered", "answered"]);
  });

  test("does not wait for what comes after the one it takes", async () => {
    const first = source("first", "network", async () => USERDATA);
    const never = source("never", "network", () => new Promise(() => undefined));
    const { winner, reports } = await search([first, never]);
    expect(winner).toBe("first");
    expect(reports[1]?.outcome).toEqual({ kind: "passed over", reason: "first came first" });
  });

  test("reads sources at hand one after another, and none once it has user data", async () => {
    const read: string[] = [];
    const local = (name: string, metadata?: Metadata) =>
      source(name, "local", async () => {
        read.push(name);
        return metadata;
      });
    await search([local("a"), local("b", USERDATA), local("c")]);
    expect(read.slice(0, 2)).toEqual(["a", "b"]);
  });

  test("goes on past a source that fails, and says why nothing was found", async () => {
    const broken = source("broken", "network", async () => {
      throw new HttpError("Cannot fetch it");
    });
    const absent = source("absent", "local", async () => undefined);
    const result = await search([broken, absent]);
    expect(result.winner).toBeUndefined();
    expect(nothingFound(result).message).toBe(
      "No data source answered:\n  broken: Cannot fetch it\n  absent: nothing there",
    );
    expect(result.logged).toEqual(["broken: Cannot fetch it", "absent: nothing there"]);
  });

  test("ends with the timeout, whatever a provider does", async () => {
    const never = source("never", "local", () => new Promise(() => undefined));
    const ready = source("ready", "network", async () => ({ hostname: "a" }));
    const started = performance.now();
    const { winner, reports } = await search([never, ready], { timeout: 50 });
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(winner).toBe("ready");
    expect(reports[0]?.outcome).toEqual({ kind: "failed", reason: "not finished within 0.05 s" });
  });

  test("takes user data that came in time though something optional did not", async () => {
    await using server = await serveLoopback((request, response) => {
      if (request.url === "/data") response.end("data");
    });
    const slow = source("slow", "network", async (access) => {
      const userdata = await access.fetch(`${server.origin}/data`);
      await optional("keys", () => access.fetch(`${server.origin}/keys`), access);
      return userdata === undefined ? undefined : { userdata };
    });
    const { winner, reports, logged } = await search([slow], { timeout: 1500 });
    expect(winner).toBe("slow");
    expect(reports[0]?.record.ignored[0]).toMatch(/not finished within 1(\.\d)? s$/); // the request's time, or the search's
    expect(logged.at(-1)).toBe("slow: user data (4 bytes)");
  });

  test("asks a source that is recognised until it answers, another one three times", async () => {
    const read = (origin: string) => async (access: Parameters<Provider["read"]>[0]) => {
      const userdata = await access.fetch(`${origin}/data`);
      return userdata === undefined ? undefined : { userdata };
    };
    await using server = await serveLoopback((request, response, number) => {
      if (number < 12) request.socket.destroy();
      else response.end("data");
    });
    const { winner, logged } = await search([source("slow", "network", read(server.origin))], {
      timeout: 600_000,
      recognised: true,
    });
    expect(winner).toBe("slow");
    expect(logged.filter((line) => line.includes("trying again"))).toHaveLength(12);
    await using dead = await serveLoopback((request) => request.socket.destroy());
    expect((await search([source("dead", "network", read(dead.origin))])).winner).toBeUndefined();
    expect(dead.requests).toHaveLength(3);
  });
});
