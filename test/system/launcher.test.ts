import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { enableForeignPrograms } from "../../lib/make/build/foreign-programs.ts";
import { runProgram, systemHost } from "../../lib/tools/host/host.ts";
import { targetOf } from "../../lib/tools/host/targets.ts";

/** How the executable for armv7 unpacks its runtime; that it then works is tested with the others. */
const EXECUTABLE = join(import.meta.dirname, "../../dist/artifacts/k3os-arm");

let base = "";

beforeAll(() => enableForeignPrograms(targetOf("arm"), systemHost()));
beforeEach(() => {
  rmSync(base, { recursive: true, force: true });
  base = mkdtempSync(join(tmpdir(), "k-")); // short, as the launcher needs it
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/**
 * Runs `script` where `$K3OS` is the executable, out of the way of what the script mounts, wherever the project lies;
 * /run, where it may unpack too, is empty and goes with it.
 */
function run(script = '"$K3OS" --version', directory = base) {
  const env = { K3OS: join("/mnt", basename(EXECUTABLE)), K3OS_RUNTIME_DIR: directory };
  const prepare = `mount --bind '${dirname(EXECUTABLE)}' /mnt\nmount -t tmpfs tmpfs /run`;
  const argv = ["unshare", "--mount", "sh", "-e", "-c", `${prepare}\n${script}`];
  return runProgram(argv, { env, check: false });
}

/** The directory that the runtime was unpacked to. */
function unpacked(): string {
  const [name = "nothing"] = readdirSync(base);
  return join(base, name);
}

describe("the launcher", () => {
  test("unpacks once", async () => {
    expect((await run()).code).toBe(0);
    const before = statSync(join(unpacked(), "node")).ino;
    expect((await run()).code).toBe(0);
    expect(statSync(join(unpacked(), "node")).ino).toBe(before);
  });

  test("unpacks again what was cut off or removed, and leaves nothing half-written", async () => {
    await run();
    const names = readdirSync(unpacked());
    const libnode = names.find((name) => name.startsWith("libnode.so.")) ?? "";
    truncateSync(join(unpacked(), libnode), 1000);
    rmSync(join(unpacked(), "libc.so.6"));
    const { code, stderr } = await run();
    expect([code, stderr]).toEqual([0, ""]);
    expect(readdirSync(unpacked())).toEqual(names);
  });

  test("may unpack several times at once", async () => {
    const ended = await Promise.all([run(), run(), run()]);
    expect(ended.map(({ code, stderr }) => [code, stderr])).toEqual(Array(3).fill([0, ""]));
    expect(readdirSync(unpacked()).filter((name) => /\.\d+$/.test(name) && !/\.so/.test(name))).toEqual([]);
  });

  test("does not run what another user put or may put there", async () => {
    await run();
    const directory = unpacked();
    for (const spoil of [() => chownSync(directory, 1000, 1000), () => chmodSync(directory, 0o777)]) {
      spoil();
      const trap = join(directory, "ld-linux-armhf.so.3");
      truncateSync(trap, 0); // would be mended if the directory were taken
      expect((await run()).code).toBe(0); // from somewhere else
      expect(statSync(trap).size).toBe(0);
      chownSync(directory, 0, 0);
    }
  });

  test("goes elsewhere where programs may not be executed, or there is no room, and leaves nothing", async () => {
    for (const options of ["noexec", "size=1m"]) {
      const mount = `mount -t tmpfs -o ${options} tmpfs "$K3OS_RUNTIME_DIR"`;
      const { code, stdout } = await run(`${mount}; "$K3OS" --version; ls "$K3OS_RUNTIME_DIR"`);
      expect([code, stdout]).toEqual([0, expect.stringMatching(/^k3os version \S+\n$/)]);
    }
  });

  test("goes elsewhere where the path would be too long", async () => {
    const deep = join(base, "a-directory-with-a-long-name");
    mkdirSync(deep);
    const { code } = await run('"$K3OS" --version', deep);
    expect([code, readdirSync(deep)]).toEqual([0, []]);
  });

  test("says what to do where there is nowhere to go", async () => {
    const { code, stderr } = await run(`
      for d in /run /dev/shm /tmp /var/tmp; do mount -t tmpfs -o noexec tmpfs "$d"; done
      setpriv --reuid=65534 --clear-groups "$K3OS" --version`);
    expect([code, stderr]).toEqual([126, expect.stringContaining("K3OS_RUNTIME_DIR")]);
  });
});
