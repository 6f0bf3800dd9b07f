import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { PROJECT, readSources, type Source } from "../../support/sources.ts";

const MAX_LINES = 350;
/** May end the process; everything else throws or returns a status. */
const MAY_EXIT = [
  "bin/k3os.ts",
  "bin/build.ts",
  "bin/publish.ts",
  "bin/vm.ts",
  "test/run.ts",
  "test/bench.ts",
  "test/support/require-packages.ts",
];

/** What calls for the time of day: when something happened, or until when something is valid. */
const MAY_ASK_THE_TIME = [
  ...[
    "lib/tools/host/host.ts",
    "lib/boot/initrd/clock.ts",
    "lib/boot/boot-host.ts",
    "lib/tools/host/time-stamp.ts",
  ],
  ...[
    "lib/datasource/network/gcp.ts",
    "lib/inspect/checks/check-k3s.ts",
    "lib/inspect/checks/check-machine.ts",
    "lib/inspect/cluster-state.ts",
  ],
  ...["lib/inspect/node-facts.ts", "commands/release-sign.ts", "commands/toolbox-enter.ts"],
  ...["lib/apply/try-config.ts", "lib/operator/follow-taints.ts", "lib/operator/settle-job.ts"],
  "lib/upgrade/upgrade-window.ts",
  ...["lib/make/build/context.ts", "lib/make/build/step-results.ts", "lib/tools/release/freshness.ts"],
];

/** What git keeps in the project's root. */
const TOP_LEVEL = [
  ...[".ci", ".gitattributes", ".github", ".gitignore"],
  ...["CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md"],
  ...["biome.json", "bunfig.toml", "package-lock.json", "package.json", "tsconfig.json"],
  ...["bin", "commands", "docs", "install.sh", "lib", "overlay", "test"],
];

const sources = readSources(["bin", "commands", "lib", "test"]);
const product = sources.filter(({ path }) => !path.startsWith("test/"));

function filesWhere(files: readonly Source[], isBad: (source: Source) => boolean): string[] {
  return files.filter(isBad).map(({ path }) => path);
}

describe("source files", () => {
  test(`have at most ${MAX_LINES} lines`, () => {
    expect(filesWhere(sources, ({ text }) => text.split("\n").length - 1 > MAX_LINES)).toEqual([]);
  });

  test("are not named index.ts, utils.ts or helpers.ts", () => {
    expect(
      filesWhere(sources, ({ path }) => /\/(index|utils?|helpers?|misc|common)\.ts$/.test(path)),
    ).toEqual([]);
  });

  test("are named in kebab case", () => {
    const odd = /(^|\/)[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d)?\.ts$/;
    expect(filesWhere(sources, ({ path }) => !odd.test(path))).toEqual([]);
  });

  test("have no default export", () => {
    expect(filesWhere(sources, ({ text }) => /^export default\b/m.test(text))).toEqual([]);
  });

  test("end the process in bin and the runners only", () => {
    const exits = filesWhere(sources, ({ text }) =>
      /\bprocess\.(exit\(|exitCode\s*=)/.test(withoutComments(text)),
    );
    expect(exits.filter((path) => !MAY_EXIT.includes(path) && !path.includes("/style/"))).toEqual([]);
  });

  test("of the product use no Bun API but in the one module for it", () => {
    const bun = filesWhere(product, ({ text }) => /\bBun\.|from "bun(:[a-z]+)?"/.test(withoutComments(text)));
    expect(bun.filter((path) => !NATIVE_MODULES.includes(path) && !isBuildCode(path))).toEqual([]);
  });

  test("swallow no error silently", () => {
    const silent = /catch\s*(\([^)]*\))?\s*\{\s*\}|\.catch\(\(\)\s*=>\s*\{\s*\}\)/;
    expect(filesWhere(sources, ({ text }) => silent.test(text))).toEqual([]);
  });

  test("read what users and servers name or make only through read-bounded.ts", () => {
    const plain = /\b(readFileSync|readFile|createReadStream)\(/;
    const bad = filesWhere(
      product,
      ({ path, text }) =>
        FOREIGN_PATHS.some((start) => path.startsWith(start)) && plain.test(withoutComments(text)),
    );
    expect(bad.filter((path) => !OWN_PATHS.includes(path))).toEqual([]);
    expect(bad).toEqual(expect.arrayContaining(OWN_PATHS)); // nobody is on the list for nothing
    // nor does the rule name what was moved since
    const moved = FOREIGN_PATHS.filter((start) => product.every(({ path }) => !path.startsWith(start)));
    expect(moved).toEqual([]);
  });

  test("of the product list directories without what links in them lead to", () => {
    const recursive = /\breaddir(?:Sync)?\([^;]*\brecursive: true/; // Bun's goes into linked directories
    expect(filesWhere(product, ({ text }) => recursive.test(withoutComments(text)))).toEqual([]);
  });

  test("run programs by command lines that read as such", () => {
    const vectors = /\brun(?:Program)?\(\s*\[(?!\w+\])(?!"\w+"\])/; // one word alone is as plain
    expect(filesWhere(product, ({ text }) => vectors.test(withoutComments(text)))).toEqual([]);
  });

  test("of the product measure durations by the clock that nobody sets", () => {
    const wall = /\bDate\.now\b|\bnew Date\(\)|\bDate\(\)|= Date\b|[cC]lock\.now\b|\bnow\(\)\s*[-+<>]/;
    const asking = filesWhere(product, ({ text }) => wall.test(withoutMonotonic(withoutComments(text))));
    expect(asking.filter((path) => !MAY_ASK_THE_TIME.includes(path))).toEqual([]);
    expect(asking).toEqual(expect.arrayContaining(MAY_ASK_THE_TIME)); // nobody is on the list for nothing
  });

  test("hold no path of the machine they were written on", () => {
    const absolute = /["'`\s](\/work\/|\/home\/(?!rancher)[a-z]|\/Users\/)/;
    expect(filesWhere(sources, ({ path, text }) => !path.includes("/style/") && absolute.test(text))).toEqual(
      [],
    );
  });
});

describe("test files", () => {
  const tests = sources.filter(({ path }) => path.endsWith(".test.ts"));

  test("lie in test/unit, test/system, test/vm or test/cluster", () => {
    expect(filesWhere(tests, ({ path }) => !/^test\/(unit|system|vm|cluster)\//.test(path))).toEqual([]);
  });

  test("run all their tests, and mock no module", () => {
    const banned = /\b(test|it|describe)\.(only|skip|todo|failing)\b|\bmock\.module\(/;
    expect(filesWhere(tests, ({ path, text }) => !path.includes("/style/") && banned.test(text))).toEqual([]);
  });

  test("wait for things, not for a time", () => {
    const sleeps = /\bBun\.sleep\(|await new Promise\(\(\w+\) => setTimeout\(\w+, /;
    expect(filesWhere(tests, ({ text }) => sleeps.test(text))).toEqual([]);
  });
});

test("git keeps in the project's root what is known, and nothing else", () => {
  const names = trackedFiles().map((path) => path.split("/")[0] ?? "");
  expect([...new Set(names)].filter((name) => !TOP_LEVEL.includes(name))).toEqual([]);
  expect(names).toContain("package.json");
});

/** What git tracks: an editor's folder or a developer's notes beside it are nobody's business. */
function trackedFiles(): string[] {
  // in a container the clone may belong to another user, which git otherwise refuses
  const argv = ["-c", `safe.directory=${PROJECT}`, "-C", PROJECT, "ls-files", "-z"];
  const { status, stdout, stderr } = spawnSync("git", argv, { encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot list the files that git tracks: ${stderr}`);
  return stdout.split("\0").filter((path) => path !== "");
}

/** Whose paths come from elsewhere: there a pipe, a device or an endless file may lie. */
const FOREIGN_PATHS = [
  ...["commands/", "lib/config/", "lib/kubectl/", "lib/overlay/"],
  ...["lib/tools/fs/", "lib/tools/http/", "lib/tools/kubernetes/", "lib/tools/release/"],
  ...["lib/apply/authorize-ssh-keys.ts", "lib/apply/authorized-keys.ts", "lib/apply/refresh-ssh-keys.ts"],
  ...["lib/apply/system-files.ts", "lib/apply/write-files.ts"],
  ...["lib/install/install-settings.ts", "lib/install/installed-config.ts", "lib/install/keep-config.ts"],
  ...["lib/install/medium.ts", "lib/install/named-iso.ts", "lib/install/remaster/"],
  ...["lib/inspect/redaction.ts", "lib/inspect/support-bundle.ts"],
];

/** Of these, the ones that read nothing but what the kernel and the boot have made. */
const OWN_PATHS = [
  ...["commands/init.ts"],
  ...["lib/overlay/overlay-facts.ts", "lib/overlay/remove-overlay.ts"],
  ...["lib/tools/fs/fill-tree.ts", "lib/tools/http/default-route.ts"],
];

/** Where Bun and Node differ (system calls, execve). */
const NATIVE_MODULES = ["lib/tools/host/native.ts", "lib/tools/host/sys.ts"];

function isBuildCode(path: string): boolean {
  return /^(bin\/(build|vm)\.ts|lib\/make\/)/.test(path);
}

function withoutMonotonic(text: string): string {
  return text.replaceAll("performance.now()", "");
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
}
