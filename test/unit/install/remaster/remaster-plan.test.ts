import { describe, expect, test } from "bun:test";
import {
  type AddedEntry,
  isoPaths,
  type RemasterFacts,
} from "../../../../lib/install/remaster/remaster-facts.ts";
import {
  addedPaths,
  missingFromMedium,
  planRemaster,
} from "../../../../lib/install/remaster/remaster-plan.ts";
import { mediumMenu } from "../../../../lib/make/image/grub-menu.ts";

const PATHS = [
  ...["boot", "boot/grub", "boot/grub/grub.cfg", "k3os", "k3os/system"],
  ...["k3os/system/k3os/current", "k3os/system/k3os/v1/k3os", "k3os/system/k3os/v1/k3os.squashfs"],
  ...[
    "k3os/system/kernel/current",
    "k3os/system/kernel/6.1/kernel.squashfs",
    "k3os/system/kernel/6.1/initrd",
  ],
];

const FACTS: RemasterFacts = {
  size: 1000,
  paths: PATHS,
  menu: mediumMenu(),
  config: undefined,
  images: { archives: [], warnings: [] },
  imagesList: "",
  added: [],
  free: 2 ** 30,
};
const NOTHING = { words: [], startsBy: undefined };

function entry(path: string, kind: AddedEntry["kind"] = "file", size = 10): AddedEntry {
  return { path, kind, size };
}

describe("planRemaster()", () => {
  test("leaves the menu alone where it is not to change", () => {
    expect(planRemaster(FACTS, NOTHING)).toEqual({
      menu: undefined,
      config: undefined,
      images: [],
      keptImages: "",
      added: [],
      size: 1000,
    });
    expect(planRemaster(FACTS, { words: ["a"], startsBy: undefined }).menu).toContain("console=tty1 a\n");
  });

  test("counts what is added", () => {
    expect(planRemaster({ ...FACTS, added: [entry("a"), entry("b")] }, NOTHING)).toMatchObject({
      added: ["a", "b"],
      size: 1020,
    });
  });

  test("refuses where there is no room", () => {
    expect(() => planRemaster({ ...FACTS, free: 2 ** 20 }, NOTHING)).toThrow("Not enough space");
  });
});

describe("missingFromMedium()", () => {
  test("is nothing of a medium", () => {
    expect(missingFromMedium(PATHS)).toBeUndefined();
  });

  test.each(PATHS.filter((path) => /\.|current|k3os$|initrd/.test(path) && path !== "k3os"))(
    "is %s",
    (path) => {
      const missing = missingFromMedium(PATHS.filter((other) => other !== path));
      expect(missing?.replace("VERSION", path.split("/").at(-2) ?? "")).toBe(path);
    },
  );
});

describe("addedPaths()", () => {
  test("hand over new directories whole, and what is added to those of the medium one by one", () => {
    const added = [
      ...[entry("k3os", "directory"), entry("k3os/data", "directory"), entry("k3os/data/opt", "directory")],
      ...[entry("k3os/data/opt/a"), entry("k3os/data-of-mine"), entry("k3os/system", "directory")],
      ...[entry("k3os/system/config.yaml"), entry("README"), entry("link", "link")],
    ];
    expect(addedPaths(added, PATHS)).toEqual([
      ...["k3os/data", "k3os/data-of-mine", "k3os/system/config.yaml", "README", "link"],
    ]);
  });
});

test("isoPaths() reads what xorriso lists, whatever the names are", () => {
  expect(isoPaths("'/'\n'/k3os'\n'/with space'\n'/it'\"'\"'s'\nsomething else\n")).toEqual([
    "k3os",
    "with space",
    "it's",
  ]);
});
