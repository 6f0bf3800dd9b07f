import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StepRunner } from "../../../../lib/make/build/build-step.ts";
import { buildInitrd } from "../../../../lib/make/image/initrd.ts";
import { testHost } from "../../../support/host.ts";

test("buildInitrd() puts the executable's archive behind the base, in whole sectors", async () => {
  using host = testHost({
    files: { "/base": "BASE", "/k3os": "program" },
    // the archive as it is
    answer: (argv) => {
      writeFileSync(argv.at(-1) ?? "", readFileSync(argv.at(-3) ?? ""));
      return {};
    },
  });
  const file = (name: string) => ({ path: join(host.root, name), digest: name });
  const make: StepRunner = async (step, { name, input }) => {
    mkdirSync(join(host.root, name));
    await step.make(input, join(host.root, name), { host, source: (path) => path });
    return file(name);
  };
  const files = { base: file("base"), executable: file("k3os") };
  const initrd = await buildInitrd({ arch: "amd64" }, files, { make, version: "v1.0.0", sourceDateEpoch: 1 });
  const content = readFileSync(initrd.path, "latin1");
  expect(content).toStartWith("BASE070701");
  expect(content).toContain("k3os/system/k3os/v1.0.0/k3os\0");
  expect(content.length % 512).toBe(0);
});
