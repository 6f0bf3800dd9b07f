import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { changelogSection, releaseNotes } from "../../../../lib/make/release/release-notes.ts";
import { PROJECT } from "../../../support/sources.ts";

const CHANGELOG = `# Changelog

## Unreleased (0.36.4-k3s1r0)

- Next.

## 0.36.3-k3s1r10 (2026-12-01)

- Ten.

### Details

- More.

## v0.36.3-k3s1r1

- One.
`;

describe("changelogSection()", () => {
  test("finds the section of a version, and no other that starts like it", () => {
    expect(changelogSection(CHANGELOG, "v0.36.3-k3s1r1")).toEqual({ state: "released", text: "- One." });
    expect(changelogSection(CHANGELOG, "v0.36.3-k3s1r10")?.text).toBe("- Ten.\n\n### Details\n\n- More.");
    expect(changelogSection(CHANGELOG, "v0.36.4-k3s1r0")).toEqual({ state: "unreleased", text: "- Next." });
    expect(changelogSection(CHANGELOG, "v0.36.3")).toBeUndefined();
  });

  test("finds that of the version of this tree", () => {
    const { version } = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8"));
    const changelog = readFileSync(join(PROJECT, "CHANGELOG.md"), "utf8");
    expect(changelogSection(changelog, `v${version}`)?.text).toContain("- ");
  });
});

test("releaseNotes() say what is new, what is in it, and how to verify it", () => {
  const section = { state: "released", text: "- One." } as const;
  const notes = releaseNotes(section, { version: "v0.36.3-k3s1r1", k3s: "v1.36.3+k3s1", keys: ["RWKEY"] });
  for (const part of ["# k3OS v0.36.3-k3s1r1", "with k3s v1.36.3+k3s1", "- One.", "verify --key RWKEY ."])
    expect(notes).toContain(part);
  expect(releaseNotes(undefined, { version: "v1", k3s: undefined, keys: ["K"] })).toContain("without k3s");
});
