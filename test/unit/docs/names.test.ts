import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { billNames } from "../../../lib/make/release/bill-of-materials.ts";
import { PROJECT_URL } from "../../../lib/tools/host/project.ts";
import { type Arch, TARGETS } from "../../../lib/tools/host/targets.ts";
import { PUBLIC_KEY_NAME, signatureName } from "../../../lib/tools/release/release-list.ts";
import { anchorOf, anchorsOf, brokenLinks, readPages } from "../../support/markdown.ts";
import { PROJECT, readSources } from "../../support/sources.ts";

const pages = readPages();

describe.each(pages)("$path", (page) => {
  test("links to files and headings that exist", () => {
    expect(brokenLinks(page)).toEqual([]);
  });

  test("names artifacts that are made", () => {
    const names =
      page.text.match(/\b(?:k3os|sha256sum)-[\w.-]*?(?:amd64|arm64|arm|ARCH)\b(?:\.[a-z]\w*)*/g) ?? [];
    expect(names.filter((name) => !ARTIFACTS.has(name) && !BILLS.includes(name))).toEqual([]);
  });

  test("names variables of the environment that are read", () => {
    const names = page.text.match(/\bK3OS_[A-Z_]*[A-Z]\b/g) ?? [];
    expect(names.filter((name) => !VARIABLES.has(name))).toEqual([]);
  });
});

test("every page below docs can be reached from its index", () => {
  const index = pages.find(({ path }) => path === "docs/README.md")?.text ?? "";
  const below = pages.flatMap(({ path }) => (path.startsWith("docs/") ? [path.slice("docs/".length)] : []));
  expect(below.filter((path) => path !== "README.md" && !index.includes(`](${path})`))).toEqual([]);
});

test("links of the program and of the image lead into the documentation", () => {
  const product = readSources(["lib", "commands", "bin"]).map(({ text }) =>
    text.replace(/\$\{PROJECT_URL\}/g, PROJECT_URL),
  );
  const overlay = readdirSync(join(PROJECT, "overlay"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"));
  const text = [...product, ...overlay].join("\n");
  const links = [...text.matchAll(new RegExp(`${PROJECT_URL}(/blob/main/[\\w/.-]+)?(#[\\w-]+)?`, "g"))];
  const broken = links.filter(([, path = "/blob/main/README.md", anchor]) => {
    const page = pages.find((each) => each.path === path.slice("/blob/main/".length));
    return page === undefined || (anchor !== undefined && !anchorsOf(page).has(anchor.slice(1)));
  });
  expect(broken.map(([link]) => link)).toEqual([]);
  expect(links.length).toBeGreaterThan(5);
  // the original is archived, and its documentation that of another system
  expect(overlay.filter((each) => each.includes("github.com/rancher/k3os"))).toEqual([]);
});

test("messages that point to a heading of the documentation name one that exists", () => {
  const text = readSources(["lib", "commands", "bin"])
    .map((source) => source.text)
    .join("\n");
  const named = [...text.matchAll(/see (docs\/[\w-]+\.md)(?:, \\?"([^"\\]+)\\?")?/g)];
  const broken = named.filter(([, path, heading]) => {
    const page = pages.find((each) => each.path === path);
    return page === undefined || (heading !== undefined && !anchorsOf(page).has(anchorOf(heading)));
  });
  expect(broken.map(([reference]) => reference)).toEqual([]);
  expect(named.length).toBeGreaterThan(0);
});

/** What the build puts into dist/artifacts, ARCH standing for any architecture; volume labels and the like are none. */
const ARTIFACTS = new Set([
  "k3os-latest-arm", // a Plan
  PUBLIC_KEY_NAME,
  ...["amd64", "arm64", "arm", "ARCH"].flatMap((arch) => {
    const target = TARGETS.find((each) => each.arch === arch) ?? { kernel: "any", grub: ["any"] };
    const kernel = ["kernel-version-%", "kernel-%.squashfs", "initrd-%", "vmlinuz-%"].map(
      (name) => `k3os-${name}`,
    );
    const names = [
      ...[
        "k3os-%",
        "k3os-userland-%.squashfs",
        "k3os-rootfs-%.tar.gz",
        "k3os-image-%.tar",
        "sha256sum-%.txt",
        "sha256sum-%.txt.minisig",
      ],
      ...(target.kernel === undefined ? [] : kernel),
      ...(target.grub.length === 0 ? [] : ["k3os-%.iso"]),
    ];
    return names.map((name) => name.replace("%", arch));
  }),
]);

/** The bills of materials of a release, which no build makes. */
const BILLS = ["amd64", "arm64", "arm", "ARCH"].flatMap((arch) => Object.values(billNames(arch as Arch)));

const VARIABLES = new Set([
  "K3OS_STATE", // a label
  "K3OS_GRUB",
  ...[
    ...readSources(["lib", "commands", "bin"]).map(({ text }) => text),
    ...[read("install.sh"), read("lib/make/executable/launcher/launcher.c")],
  ].flatMap((text) => text.match(/\bK3OS_[A-Z_]*[A-Z]\b/g) ?? []),
]);

function read(name: string): string {
  return readFileSync(join(PROJECT, name), "utf8");
}

test("the build makes the artifacts that the documentation may name", () => {
  const text = read("lib/make/image/build-artifacts.ts") + read("lib/make/executable/executable.ts");
  const made = [...ARTIFACTS].filter((name) => name.includes("ARCH") && name.startsWith("k3os-"));
  expect(made.length).toBe(9);
  for (const name of made) {
    const [start = "", end = ""] = name.split("ARCH");
    expect(text).toMatch(new RegExp(`\`${start}\\$\\{target\\.arch\\}${end.replaceAll(".", "\\.")}\``));
  }
  expect(signatureName("amd64")).toBe("sha256sum-amd64.txt.minisig");
});
