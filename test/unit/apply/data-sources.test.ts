import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dataSources } from "../../../lib/apply/data-sources.ts";
import { testHost } from "../../support/host.ts";
import { outcome } from "../../support/outcome.ts";

const FILE = "/etc/conf.d/cloud-config";

describe("data_sources", () => {
  test("writes what the cloud-config service is called with", async () => {
    using host = testHost();
    await dataSources.apply({ k3os: { dataSources: ["aws", "file=/tmp/user-data", "cdrom"] } }, host);
    expect(readFileSync(host.root + FILE, "utf8")).toBe('command_args="aws file=/tmp/user-data cdrom"\n');
  });

  test("keeps the service from starting without any", async () => {
    using host = testHost({ files: { [FILE]: 'command_args="aws"\n' } });
    await dataSources.apply({ k3os: { dataSources: [] } }, host);
    expect(existsSync(host.root + FILE)).toBe(false);
  });

  test.each(['aws"', "aws gcp", "$(id)", "", "file=", "--help me"])("leaves out %p", async (bad) => {
    using host = testHost();
    const message = await outcome(dataSources, { k3os: { dataSources: [bad, "gcp"] } }, host);
    expect(message).toContain("k3os.data_sources[0]: ");
    expect(readFileSync(host.root + FILE, "utf8")).toBe('command_args="gcp"\n');
  });
});
