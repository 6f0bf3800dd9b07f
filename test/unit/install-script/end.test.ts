import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runProgram } from "../../../lib/tools/host/host.ts";
import {
  BASIC_TOOLS,
  FAKE_EXECUTABLE,
  IN_NAMESPACE,
  INSTALL_SCRIPT,
  openScene,
  SHELLS,
  writeScript,
} from "../../support/install-script.ts";
import { serveLoopback } from "../../support/loopback.ts";

const BINARY = ["--binary=k3os", "/dev/null"];

/** A scene with a local executable. */
function openBinaryScene() {
  const scene = openScene();
  writeScript(join(scene.directory, "k3os"), FAKE_EXECUTABLE);
  return scene;
}

const SMALL = "size=1m";
const NOEXEC = "size=200m,noexec";
const READ_ONLY = "size=200m,ro";
const GOOD = "size=200m";

interface Place {
  readonly name: string;
  /** Options of the tmpfs on each directory. */
  readonly mounts: Readonly<Record<string, string>>;
  /** TMPDIR is a directory in /mnt. */
  readonly tmpdir?: string;
  /** Where the executable was run; undefined: nowhere. */
  readonly where: string | undefined;
}

const NOWHERE = { "/tmp": NOEXEC, "/var/tmp": SMALL, "/root": READ_ONLY, "/run": SMALL };

const PLACES: readonly Place[] = [
  { name: "TMPDIR", mounts: { "/mnt": GOOD, "/tmp": GOOD }, tmpdir: "/mnt", where: "/mnt" },
  { name: "/tmp without TMPDIR", mounts: { "/tmp": GOOD }, where: "/tmp" },
  {
    name: "/tmp when TMPDIR is full",
    mounts: { "/mnt": SMALL, "/tmp": GOOD },
    tmpdir: "/mnt",
    where: "/tmp",
  },
  {
    name: "/tmp when TMPDIR is noexec",
    mounts: { "/mnt": NOEXEC, "/tmp": GOOD },
    tmpdir: "/mnt",
    where: "/tmp",
  },
  { name: "/run as the last", mounts: { ...NOWHERE, "/run": GOOD }, where: "/run" },
  { name: "no directory", mounts: NOWHERE, tmpdir: "/none", where: undefined },
];

/**
 * Called with a scene's directory, then directories and options of the tmpfs to mount there, then `--` and a command.
 * Binds the scene to /srv, as it may lie below one of the others, and runs the command there in its PATH. In the end it
 * lists what is left in the others.
 */
const IN_MOUNTS = `
set -e
mount --bind "$1" /srv
shift
while [ "$1" != -- ]; do
  mount -t tmpfs -o "$2" tmpfs "$1"
  mounted="$mounted $1"
  shift 2
done
shift
cd /srv
status=0
PATH=/srv/bin "$@" || status=$?
find $mounted -mindepth 1 >/srv/left
exit $status
`;

describe.each(SHELLS.map((shell) => ({ shell })))("install.sh in $shell", ({ shell }) => {
  test.each(PLACES)("puts the executable in $name", async ({ mounts, tmpdir = "", where }) => {
    using scene = openBinaryScene();
    const mounting = [scene.directory, ...Object.entries(mounts).flat(), "--"];
    const result = await scene.call({
      shell,
      args: BINARY,
      by: [...IN_NAMESPACE, "sh", "-c", IN_MOUNTS, "sh", ...mounting],
      env: { PATH: process.env.PATH ?? "", TMPDIR: tmpdir, RECORD: "/srv/record", THEN: 'echo "$0"' },
    });
    if (where === undefined) {
      expect(result).toMatchObject({ code: 1, stdout: "" });
      expect(
        result.stderr,
      ).toBe(`install.sh: found no directory for the executable; name one with TMPDIR. Tried were:
  /none: no such directory
  /tmp: nothing can be executed there (noexec)
  /var/tmp: 1 MB free of 130 needed
  /root: cannot be written to
  /run: 1 MB free of 130 needed
`);
    } else {
      expect(result).toMatchObject({ code: 0, stderr: "" });
      expect(result.stdout).toMatch(new RegExp(`^${where}/k3os\\.\\w{6}/k3os\n$`));
    }
    expect(readFileSync(join(scene.directory, "left"), "utf8")).toBe("");
  });

  test.each([
    ["SIGHUP", 129],
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("ends the executable, and itself, on %s", async (signal, code) => {
    using scene = openBinaryScene();
    // the sleep holds no output open that the test would wait for
    const then = `trap 'echo ended; exit 3' TERM; ${Bun.which("sleep")} 60 >&- 2>&- & echo ready; wait`;
    const result = await scene.call({
      shell,
      args: BINARY,
      env: { THEN: then },
      onOutput: (pid) => process.kill(pid, signal),
    });
    expect(result).toEqual({ code, stdout: "ready\nended\n", stderr: "" });
    expect(scene.leftovers()).toEqual([]);
  });

  test("ends a download on SIGTERM", async () => {
    using scene = openScene();
    const asked = Promise.withResolvers<void>();
    await using server = await serveLoopback(() => asked.resolve());
    const result = await scene.call({
      shell,
      args: ["/dev/null", `${server.origin}/a.iso`],
      onStart: (pid) => void asked.promise.then(() => process.kill(pid, "SIGTERM")),
    });
    expect(result.code).toBe(143);
    expect(scene.recorded()).toBeUndefined();
    expect(scene.leftovers()).toEqual([]);
  });
});

describe("install.sh cut off", () => {
  const script = readFileSync(INSTALL_SCRIPT, "utf8").trimEnd();
  const lastLine = script.lastIndexOf("\n");
  const cuts = [
    ...Array.from({ length: 40 }, (_, at) => Math.floor((lastLine * at) / 40)),
    ...Array.from({ length: script.length - lastLine }, (_, at) => lastLine + at),
  ];

  test.each(SHELLS.map((shell) => ({ shell })))("does nothing in $shell", async ({ shell }) => {
    const stub = `#!/bin/sh\n: >"$RECORD/\${0##*/}"\n`;
    using scene = openScene({
      tools: Object.fromEntries(["curl", ...BASIC_TOOLS].map((name) => [name, stub])),
    });
    const done: string[] = [];
    for (const cut of cuts) {
      const text = script.slice(0, cut);
      const { code, stdout } = await scene.call({ shell, args: ["/dev/null"], text });
      const incomplete = text.includes("\n{");
      if (stdout !== "" || (code === 0) === incomplete) done.push(text);
    }
    expect(done).toEqual([]);
    expect(readdirSync(join(scene.directory, "record"))).toEqual([]);
    expect(scene.leftovers()).toEqual([]);
  });
});

test("install.sh is accepted by shellcheck", async () => {
  await runProgram(["shellcheck", "--shell=sh", INSTALL_SCRIPT]);
});
