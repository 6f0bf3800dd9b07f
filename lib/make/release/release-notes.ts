/** A section of the changelog. */
export interface Section {
  readonly state: "released" | "unreleased";
  /** Markdown, without the heading. */
  readonly text: string;
}

/**
 * The section of a changelog for a version, whose heading names it: `## 0.36.3-k3s1r0 (2026-12-01)`, and before its release
 * `## Unreleased (0.36.3-k3s1r0)`. Undefined without such a section.
 */
export function changelogSection(changelog: string, version: string): Section | undefined {
  const name = version.replace(/^v/, "");
  for (const part of changelog.split(/^## /m).slice(1)) {
    const [heading = "", ...lines] = part.split("\n");
    if (!heading.split(/[\s()]+/).some((word) => word.replace(/^v/, "") === name)) continue;
    const state = /^unreleased\b/i.test(heading) ? "unreleased" : "released";
    return { state, text: lines.join("\n").trim() };
  }
  return undefined;
}

/** The page of a release: what is new, what is in it, and how to verify it. */
export function releaseNotes(
  section: Section | undefined,
  {
    version,
    k3s,
    keys,
  }: { readonly version: string; readonly k3s: string | undefined; readonly keys: readonly string[] },
): string {
  const inside = k3s === undefined ? "without k3s, which the first boot downloads" : `with k3s ${k3s}`;
  return [
    `# k3OS ${version}`,
    `For amd64, arm64 and armv7, ${inside}.`,
    section?.text ?? "This release has no section in the changelog.",
    "## Verify",
    `Signed with the minisign key ${keys.map((key) => `\`${key}\``).join(" or ")}:`,
    `\`\`\`sh\nk3os release verify --key ${keys[0] ?? "k3os.pub"} .\n\`\`\``,
  ]
    .join("\n\n")
    .concat("\n");
}
