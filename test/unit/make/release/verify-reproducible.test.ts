import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { differences, verifyReproducible } from "../../../../lib/make/release/verify-reproducible.ts";
import { runProgram } from "../../../../lib/tools/host/host.ts";
import { messageOf } from "../../../../lib/tools/text/errors.ts";
import { testHost } from "../../../support/host.ts";

test("differences() are the names that have another digest, or are in one alone", () => {
  const first = new Map(Object.entries({ same: "1", changed: "1", gone: "1" }));
  const second = new Map(Object.entries({ same: "1", changed: "2", added: "1" }));
  expect(differences(first, second)).toEqual(["added", "changed", "gone"]);
  expect(differences(first, first)).toEqual([]);
});

/** Compares two builds of a project with this script as its build. */
async function compare(build: string): Promise<string> {
  using host = testHost({ files: { "/key": "secret" } });
  const project = join(host.root, "project");
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ scripts: { build } }));
  writeFileSync(join(project, "source"), "text");
  const git = ["git", "-C", project, "-c", "user.name=T", "-c", "user.email=t@t"];
  for (const argv of [
    ["init", "--quiet"],
    ["add", "."],
    ["commit", "--quiet", "-m", "one"],
  ])
    await runProgram([...git, ...argv]);
  writeFileSync(join(project, "source"), "not committed");
  const run: typeof runProgram = (argv, options) => runProgram(argv, { ...options, stdio: "capture" });
  const input = { project, cache: host.root, key: join(host.root, "key"), time: 5, argv: [] };
  const count = await verifyReproducible(input, { ...host, run }).catch(messageOf);
  expect(readFileSync(join(project, "source"), "utf8")).toBe("not committed");
  return String(count);
}

test("verifyReproducible() builds the commit twice, elsewhere, with the same key and time", async () => {
  const artifacts = "mkdir -p dist/artifacts && cd dist/artifacts";
  const same = 'cp ../../source ../../.cache/signing-key . && echo "$SOURCE_DATE_EPOCH" >time';
  expect(await compare(`${artifacts} && ${same}`)).toBe("3");
  for (const changing of ["pwd >place", "date +%Z >zone", 'echo "$K3OS_BUILD_CACHE" >cache'])
    expect(await compare(`${artifacts} && ${same} && ${changing}`)).toContain(
      "The build is not reproducible",
    );
}, 60_000);
