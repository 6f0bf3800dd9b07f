import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contentDigest } from "../../../../lib/make/build/content-digest.ts";

const scratch = mkdtempSync(join(tmpdir(), "k3os-content-"));
afterAll(() => rmSync(scratch, { recursive: true }));

let made = 0;

/** A directory with a file, a link and a directory, then changed. */
function tree(change: (directory: string) => void = () => undefined): string {
  const directory = join(scratch, `${made++}`);
  mkdirSync(join(directory, "empty"), { recursive: true });
  writeFileSync(join(directory, "file"), "text", { mode: 0o644 });
  symlinkSync("file", join(directory, "link"));
  change(directory);
  return directory;
}

function relink(directory: string, target: string): void {
  rmSync(join(directory, "link"));
  symlinkSync(target, join(directory, "link"));
}

function replaceLink(directory: string, text: string): void {
  rmSync(join(directory, "link"));
  writeFileSync(join(directory, "link"), text);
}

test("contentDigest() is the same for the same content elsewhere", () => {
  for (const attributes of ["git", "all"] as const)
    expect(contentDigest(tree(), attributes)).toBe(contentDigest(tree(), attributes));
});

test.each<[string, (directory: string) => void]>([
  ["a content", (at) => writeFileSync(join(at, "file"), "texT")],
  ["a mode of execution", (at) => chmodSync(join(at, "file"), 0o755)],
  ["a link's target", (at) => relink(at, "empty")],
  ["a file in place of a link", (at) => replaceLink(at, "file")],
  ["a new file without content", (at) => writeFileSync(join(at, "empty/new"), "")],
  ["a directory less", (at) => rmSync(join(at, "empty"), { recursive: true })],
])("contentDigest() changes with %s", (_, change) => {
  for (const attributes of ["git", "all"] as const)
    expect(contentDigest(tree(change), attributes)).not.toBe(contentDigest(tree(), attributes));
});

test("contentDigest() of what git keeps does not depend on the umask; of what was made it does", () => {
  const strict = tree((at) => chmodSync(join(at, "file"), 0o600));
  expect(contentDigest(strict, "git")).toBe(contentDigest(tree(), "git"));
  expect(contentDigest(strict, "all")).not.toBe(contentDigest(tree(), "all"));
});
