import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { launchedStep } from "../../../../lib/make/executable/launched.ts";
import { testHost } from "../../../support/host.ts";

const RUNTIME = {
  launcher: "LAUNCHER",
  "runtime.zst": "RUNTIME",
  "index.json": '{"entries":[],"patches":[]}',
};

test("launchedStep puts the runtime and the bundle behind the launcher, which finds them from the end", async () => {
  const files = Object.fromEntries(Object.entries(RUNTIME).map(([name, text]) => [`/node/${name}`, text]));
  using host = testHost({
    files,
    answer: ([program = "", ...args]) => {
      const outfile = args.find((arg) => arg.startsWith("--outfile="))?.slice("--outfile=".length);
      if (outfile !== undefined) writeFileSync(outfile, "BUNDLE");
      else if (program === "zstd") writeFileSync(args.at(-1) ?? "", "PACKED");
      return {};
    },
  });
  const into = join(host.root, "into");
  mkdirSync(into);
  const input = { node: { path: join(host.root, "node"), digest: "" }, version: "v1.0.0", releaseKeys: [] };
  await launchedStep.make(input, into, { host, source: (path) => join(host.root, path) });
  const executable = readFileSync(join(into, "k3os"), "latin1");
  expect(executable).toStartWith("LAUNCHERRUNTIMEPACKEDk3os-");
  expect(executable).toEndWith("K3OSNODE");
});
