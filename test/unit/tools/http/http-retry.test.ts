import { expect, test } from "bun:test";
import { fetchText } from "../../../../lib/tools/http/http.ts";
import { TryError } from "../../../../lib/tools/http/http-error.ts";
import { withTries } from "../../../../lib/tools/http/http-retry.ts";
import { hurriedClock, testHost } from "../../../support/host.ts";
import { serveLoopback } from "../../../support/loopback.ts";

const DAY = 86_400_000;

test.each([DAY, -DAY])("withTries() keeps to its deadline while the clock is set by %i ms", async (jump) => {
  using host = testHost();
  const jumping = { ...host, clock: hurriedClock({ jump }) };
  let tries = 0;
  const limits = { timeout: 1_000, deadline: 20_000, retries: 100 };
  const action = async () => {
    if (++tries > 50) return; // it would go on for ever
    throw new TryError("not yet");
  };
  await expect(withTries("fetch it", limits, action, jumping)).rejects.toThrow("not yet");
  expect(tries).toBe(7); // after 0.5 s, 1 s, 2 s, 4 s, 5 s, 5 s
});

test("the time that Retry-After names is one of the server's clock, and not of ours", async () => {
  using host = testHost();
  const before = host.clock.monotonic();
  await using server = await serveLoopback((_, response, number) => {
    const head = { date: new Date(0).toUTCString(), "retry-after": new Date(9_000).toUTCString() };
    response.writeHead(number === 0 ? 503 : 200, head).end("ok");
  });
  await fetchText(server.origin, {}, host);
  expect(host.clock.monotonic() - before).toBeWithin(9_000, 12_000);
});
