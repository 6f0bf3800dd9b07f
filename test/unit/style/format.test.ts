import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROJECT } from "../../support/sources.ts";

test("biome.json has source files checked, but not an editor's folder", () => {
  const directory = mkdtempSync(join(tmpdir(), "k3os-format-"));
  try {
    for (const name of ["biome.json", ".gitignore"]) copyFileSync(join(PROJECT, name), join(directory, name));
    mkdirSync(join(directory, ".vscode"));
    writeFileSync(join(directory, ".vscode/settings.json"), '{ "not":   whole');
    writeFileSync(join(directory, "source.ts"), "export const tidy = true;\n");
    expect(untidyFiles(directory)).toEqual([]);
    writeFileSync(join(directory, "source.ts"), "export const   untidy = true;\n");
    expect(untidyFiles(directory)).toEqual(["source.ts"]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

/** The files that are complained about. */
function untidyFiles(directory: string): string[] {
  const argv = ["ci", "--colors=off", "."];
  const { stderr, stdout } = spawnSync(join(PROJECT, "node_modules/.bin/biome"), argv, {
    cwd: directory,
    encoding: "utf8",
  });
  if (!stdout.includes("Checked ")) throw new Error(`biome did not check: ${stdout}${stderr}`);
  return [...`${stdout}${stderr}`.matchAll(/^(\S+?)(?::\d+:\d+)? (?:format|parse) ━/gm)].map(
    ([, path = ""]) => path,
  );
}
