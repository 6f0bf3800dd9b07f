import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { INSTALL_OPTIONS } from "../../../lib/install/install-settings.ts";
import { type FileServer, serveFiles } from "../../../lib/make/vm/http-server.ts";
import { type Options, optionsOf } from "../../../lib/tools/cli/cli.ts";
import { BOOLEAN_WORDS } from "../../../lib/tools/text/boolean-word.ts";
import {
  checksums,
  EXECUTABLE,
  FAKE_EXECUTABLE,
  INSTALL_SCRIPT,
  LIST,
  ON_TERMINAL,
  openScene,
  SHELLS,
  writeScript,
} from "../../support/install-script.ts";
import { PROJECT } from "../../support/sources.ts";

let server: FileServer;
let origin: string;

beforeAll(async () => {
  const release = { [EXECUTABLE]: FAKE_EXECUTABLE, [LIST]: checksums(FAKE_EXECUTABLE) };
  const paths = ["/release", "/other"].flatMap((directory) => {
    return Object.entries(release).map(([name, text]) => [`${directory}/${name}`, text]);
  });
  server = await serveFiles(Object.fromEntries(paths));
  origin = `http://127.0.0.1:${server.port}`;
});

afterAll(() => server[Symbol.asyncDispose]());

/** A name that a shell which is not careful makes something else of. */
const ODD = "a b'\"$HOME`id`\\n*";

/** A release on this machine, and an executable whose name needs care, in the directory of a scene. */
function openLocalScene() {
  const scene = openScene();
  for (const name of ["medium", "-odd one"]) {
    const directory = join(scene.directory, name);
    mkdirSync(directory);
    writeFileSync(join(directory, EXECUTABLE), FAKE_EXECUTABLE);
    writeFileSync(join(directory, LIST), checksums(FAKE_EXECUTABLE));
  }
  writeScript(join(scene.directory, "-my k3os"), FAKE_EXECUTABLE);
  writeFileSync(join(scene.directory, ODD), "");
  writeScript(join(scene.directory, "k3os-amd64"), FAKE_EXECUTABLE);
  return scene;
}

/** ORIGIN and DIRECTORY stand for those of the test. */
interface Case {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments of the executable, if they are not those of the script. */
  readonly passed?: readonly string[];
  /** K3OS_RELEASE_URL of the executable. */
  readonly release: string;
  readonly saved?: boolean;
}

const ISO = `ORIGIN/release/${EXECUTABLE}.iso`;

const CASES: readonly Case[] = [
  {
    name: "hands over arguments as they are",
    args: ["--config", ODD, "--yes", "--tty=ttyS0,1", "--key", "", "-y", "/x y", ISO],
    release: "ORIGIN/release",
  },
  {
    name: "finds ISO_URL before options, saved",
    args: ["/dev/null", ISO, "--debug"],
    release: "ORIGIN/release",
    saved: true,
  },
  {
    name: "finds ISO_URL between options",
    args: ["--force", "/dev/null", "--tty", "ttyS0", ISO, "--config", "ORIGIN/config/a"],
    release: "ORIGIN/release",
  },
  { name: "takes no option after --", args: ["--", "--tty", ISO], release: "ORIGIN/release" },
  {
    name: "leaves query and fragment out of the directory",
    args: ["/dev/null", `${ISO}?token=a/b#c/d`],
    release: "ORIGIN/release",
  },
  {
    name: "takes a local release",
    args: ["/dev/null", "DIRECTORY/medium/any.iso"],
    release: "DIRECTORY/medium",
  },
  {
    name: "takes a file URL",
    args: ["/dev/null", "file://DIRECTORY/medium/a.iso"],
    release: "DIRECTORY/medium",
  },
  {
    name: "takes a relative path that looks like an option",
    args: ["/dev/null", "--", "-odd one/a.iso"],
    release: "DIRECTORY/-odd one",
  },
  {
    name: "reads K3OS_INSTALL_ISO_URL",
    args: [],
    env: { K3OS_INSTALL_ISO_URL: ISO, K3OS_INSTALL_DEVICE: "/dev/null" },
    release: "ORIGIN/release",
  },
  {
    name: "prefers the argument ISO_URL",
    args: ["/dev/null", ISO],
    env: { K3OS_INSTALL_ISO_URL: "ORIGIN/none/a.iso" },
    release: "ORIGIN/release",
  },
  {
    name: "prefers K3OS_RELEASE_URL, with slashes at its end",
    args: ["/dev/null", ISO],
    env: { K3OS_RELEASE_URL: "ORIGIN/other//" },
    release: "ORIGIN/other",
  },
  {
    name: "keeps --binary PATH for itself",
    args: ["--debug", "--binary", "DIRECTORY/-my k3os", "/dev/null"],
    passed: ["--debug", "/dev/null"],
    release: "none",
  },
  {
    name: "keeps --binary=PATH for itself",
    args: ["/dev/null", "ORIGIN/none/a.iso", "--binary=-my k3os"],
    passed: ["/dev/null", "ORIGIN/none/a.iso"],
    release: "ORIGIN/none",
  },
];

describe.each(SHELLS.map((shell) => ({ shell })))("install.sh in $shell", ({ shell }) => {
  test.each(CASES)("$name", async ({ args, env = {}, passed = args, release, saved = false }) => {
    using scene = openLocalScene();
    const real = (text: string) => text.replaceAll("ORIGIN", origin).replaceAll("DIRECTORY", scene.directory);
    const realEnv = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, real(value)]));
    const before = server.requests.length;
    const result = await scene.call({ shell, args: args.map(real), env: realEnv, saved });
    const said = `install.sh: downloading ${EXECUTABLE} from ${real(release)}\n`;
    expect(result).toEqual({ code: 0, stdout: "", stderr: passed === args ? said : "" });
    expect(scene.recorded()).toEqual({
      arguments: ["install", "--bootstrap", ...passed.map(real)],
      release: real(release),
      input: "",
    });
    const downloads = passed === args && release.startsWith("ORIGIN") ? [LIST, EXECUTABLE] : [];
    const paths = downloads.map((name) => `${release.replace("ORIGIN", "")}/${name}`);
    expect(server.requests.slice(before)).toEqual(paths);
    expect(scene.leftovers()).toEqual([]);
  });

  test.each([{ args: ["--help"] }, { args: ["-h"] }, { args: ["/dev/null", "--tty", "ttyS0", "--help"] }])(
    "explains itself: $args",
    async ({ args }) => {
      using scene = openScene();
      const result = await scene.call({ shell, args });
      expect(result).toMatchObject({ code: 0, stderr: "" });
      expect(result.stdout).toStartWith("Usage: install.sh [--force-efi]");
    },
  );

  test.each([
    { args: ["/dev/null", "--tty"], says: "--tty needs a value" },
    { args: ["--config", "--tty", "ttyS0"], says: "--config needs a value" },
    { args: ["/dev/null", "--binary"], says: "--binary needs a value" },
    { args: ["/dev/null", "a.iso", "b"], says: "more arguments than" },
  ])("refuses $args", async ({ args, says }) => {
    using scene = openScene();
    const env = { K3OS_RELEASE_URL: `${origin}/release` };
    const before = server.requests.length;
    const result = await scene.call({ shell, args, env });
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toStartWith(`install.sh: ${says}`);
    expect(result.stderr).toContain("Usage: ");
    expect(server.requests).toHaveLength(before);
  });

  test.each([
    { does: "exit 7", code: 7 },
    { does: "kill -KILL $$", code: 137 },
  ])("ends as the executable does: $does", async ({ does, code }) => {
    using scene = openScene();
    const result = await scene.call({
      shell,
      args: ["/dev/null", `${origin}/release/a.iso`],
      env: { THEN: does },
    });
    expect(result.code).toBe(code);
    expect(scene.leftovers()).toEqual([]);
  });

  test("leaves its terminal to the executable", async () => {
    using scene = openScene({ tools: { script: "script" } });
    writeScript(join(scene.directory, "k3os"), FAKE_EXECUTABLE);
    await scene.call({ shell, args: ["--binary=k3os", "/dev/null"], by: ON_TERMINAL, saved: true });
    expect(scene.recorded()?.input).toBe("terminal");
  });
});

const SCRIPT = readFileSync(INSTALL_SCRIPT, "utf8");
/** What `k3os install` takes, but the help that the script has of its own. */
const { help: _, ...OPTIONS }: Options = optionsOf({ options: INSTALL_OPTIONS, json: "events" });

const NAMES = Object.keys(OPTIONS).map((name) => `--${name}`);

/** The patterns of the script's loop over its arguments, without what marks that options are still expected. */
function patternsIn(text: string): string[] {
  return (text.match(/(?<=\byes)--[a-z-]+(?:=\*)?/g) ?? []).sort();
}

describe("install.sh knows every option", () => {
  test("without and with a value", () => {
    const own = ["--binary", "--binary=*", "--help"];
    expect(patternsIn(SCRIPT)).toEqual([...NAMES, ...NAMES.map((name) => `${name}=*`), ...own].sort());
  });

  test("that takes its value from the next argument", () => {
    const listed = SCRIPT.split("\n").find((line) => line.includes("yes--config |"));
    const expected = NAMES.filter((name) => OPTIONS[name.slice(2)]?.type === "string");
    expect(patternsIn(listed ?? "")).toEqual(expected.sort());
  });

  test("and shows those that are for an installation of another system", () => {
    const usage = /^Usage: .*?\n\n/ms.exec(SCRIPT)?.[0] ?? "";
    const shown = [...usage.matchAll(/\[--([a-z-]+)(?: ([A-Z|]+))?\]/g)].map(([, name = "", value]) => [
      name,
      value,
    ]);
    // --device is the argument, nothing is asked through a pipe, and the script itself bootstraps
    const left = ["device", "silent", "yes", "json", "bootstrap"];
    const expected = Object.entries(OPTIONS).filter(([name]) => !left.includes(name));
    expect(shown.filter(([name]) => name !== "binary").sort()).toEqual(
      expected.map(([name, { value }]) => [name, value]).sort(),
    );
    expect(usage).toEndWith("DEVICE [ISO_URL]\n\n");
  });
});

test.each(
  Object.entries(BOOLEAN_WORDS).flatMap(([word, value]) => [
    [word, value] as const,
    [word.toUpperCase(), value] as const,
  ]),
)("install.sh takes %s for %p, as an option and in the environment", (word, value) => {
  const shown = ["--insecure-skip-verify", "K3OS_INSTALL_INSECURE_SKIP_VERIFY"].map((name) => {
    const script = `${/^truth\(\) \{.*?^\}/ms.exec(SCRIPT)?.[0]}\ntruth ${name} ${word}; echo $answer`;
    return Bun.spawnSync(["dash", "-c", script]).stdout.toString().trim();
  });
  expect(shown).toEqual(value ? ["yes", "yes"] : ["no", "no"]);
});

test.each([
  { args: ["--insecure-skip-verify=maybe"], env: {}, says: "--insecure-skip-verify" },
  { args: ["--poweroff=maybe"], env: {}, says: "--poweroff" },
  {
    args: [],
    env: { K3OS_INSTALL_INSECURE_SKIP_VERIFY: "maybe" },
    says: "K3OS_INSTALL_INSECURE_SKIP_VERIFY",
  },
])("install.sh refuses what is no boolean: $args $env", async ({ args, env, says }) => {
  using scene = openScene();
  const result = await scene.call({ shell: ["dash"], args: ["/dev/null", ...args], env });
  expect(result.code).toBe(2);
  expect(result.stderr).toStartWith(`install.sh: ${says}: found "maybe", expected true or false\n`);
});

const EXAMPLES = ["README.md", "docs/bootstrap.md"].flatMap((file) => {
  const text = readFileSync(join(PROJECT, file), "utf8");
  const examples = text.matchAll(
    /^ *sudo (?:K3OS_RELEASE_URL=\S+ )?(?:bash -s --|(?:ba)?sh install\.sh) (.+)$/gm,
  );
  return [...examples].map(([, args = ""]) => ({ file, args }));
});

test("install.sh has examples", () => {
  expect(new Set(EXAMPLES.map(({ file }) => file)).size).toBe(2);
});

test.each(EXAMPLES)("install.sh takes the example of $file: $args", async ({ args }) => {
  using scene = openLocalScene();
  const env = { K3OS_RELEASE_URL: `${origin}/release` };
  writeFileSync(join(scene.directory, "node.yaml"), "");
  // a disk and a key that are there
  const real = args.replace(/\/dev\/\w+/, "/dev/null").replace("RWQ…", `RWQ${"A".repeat(53)}`);
  const { code } = await scene.call({ shell: ["dash"], args: real.split(" "), env });
  expect(code).toBe(0);
  const passed = real.replace(/--binary \S+ /, "").split(" ");
  expect(scene.recorded()?.arguments).toEqual(["install", "--bootstrap", ...passed]);
});
