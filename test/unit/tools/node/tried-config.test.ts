import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PATH } from "../../../../lib/tools/host/paths.ts";
import { beginTry, endTry, readTriedConfig, takeBackTry } from "../../../../lib/tools/node/tried-config.ts";
import { type TestHost, testHost } from "../../../support/host.ts";

const UNTIL = new Date("2026-12-01T12:00:00Z");
const FILE = `${PATH.localConfigDir}/a.yaml`;

const at = (host: TestHost, path: string) => join(host.root, path);

describe("a tried file", () => {
  test("is taken back to the content and permissions of before", () => {
    using host = testHost({ files: { [FILE]: "hostname: before\n" } });
    chmodSync(at(host, FILE), 0o640);
    beginTry("a.yaml", UNTIL, host);
    expect(statSync(at(host, PATH.triedConfig)).mode & 0o777).toBe(0o600);
    rmSync(at(host, FILE));
    writeFileSync(at(host, FILE), "hostname: after\n");
    expect(takeBackTry(host)).toMatchObject({ name: "a.yaml", until: "2026-12-01T12:00:00.000Z" });
    expect(readFileSync(at(host, FILE), "utf8")).toBe("hostname: before\n");
    expect(statSync(at(host, FILE)).mode & 0o777).toBe(0o640);
    expect(takeBackTry(host)).toBeUndefined();
  });

  test("is removed if there was none before", () => {
    using host = testHost({ files: { [`${PATH.localConfigDir}/other`]: "" } });
    beginTry("a.yaml", UNTIL, host);
    writeFileSync(at(host, FILE), "hostname: after\n");
    takeBackTry(host);
    expect([existsSync(at(host, FILE)), existsSync(at(host, PATH.triedConfig))]).toEqual([false, false]);
  });

  test("stays once it is kept", () => {
    using host = testHost({ files: { [FILE]: "hostname: after\n" } });
    beginTry("a.yaml", UNTIL, host);
    endTry(host);
    expect(readTriedConfig(host)).toBeUndefined();
    expect(takeBackTry(host)).toBeUndefined();
    expect(readFileSync(at(host, FILE), "utf8")).toBe("hostname: after\n");
  });

  test("is taken back again after a power cut in the middle", () => {
    using host = testHost({ files: { [FILE]: "hostname: before\n" } });
    beginTry("a.yaml", UNTIL, host);
    const record = readFileSync(at(host, PATH.triedConfig));
    takeBackTry(host);
    writeFileSync(at(host, PATH.triedConfig), record); // the record was not removed yet
    expect(takeBackTry(host)?.name).toBe("a.yaml");
    expect(readFileSync(at(host, FILE), "utf8")).toBe("hostname: before\n");
  });

  test.each(["{", "[]", '{"name":"../../etc/shadow","before":null}', '{"name":5}'])(
    "ignores the record %p",
    (text) => {
      using host = testHost({ files: { [PATH.triedConfig]: text, [FILE]: "" } });
      expect(takeBackTry(host)).toBeUndefined();
      expect(existsSync(at(host, FILE))).toBe(true);
    },
  );
});
