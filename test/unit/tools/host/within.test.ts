import { describe, expect, test } from "bun:test";
import { within } from "../../../../lib/tools/host/within.ts";

const never = new Promise<string>(() => undefined);
const fail = (): never => {
  throw new Error("too late");
};

describe("within()", () => {
  test("is what the work comes to in time", async () => {
    expect(await within(1000, Promise.resolve("done"), fail)).toBe("done");
    expect(within(1000, Promise.reject(new Error("broken")), fail)).rejects.toThrow("broken");
  });

  test("is what lateness makes of it, or throws", async () => {
    expect(await within(1, never, () => "late")).toBe("late");
    expect(within(1, never, fail)).rejects.toThrow("too late");
  });

  test("keeps nothing waiting that is done", async () => {
    const script = `import { within } from "./lib/tools/host/within.ts"; await within(60_000, Promise.resolve(), () => {});`;
    const { exitCode } = Bun.spawnSync([process.execPath, "-e", script], { timeout: 20_000 });
    expect(exitCode).toBe(0);
  });
});
