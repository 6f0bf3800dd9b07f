import { describe, expect, test } from "bun:test";
import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { writeFiles } from "../../../lib/apply/write-files.ts";
import type { WriteFile } from "../../../lib/config/schema/schema.ts";
import { runProgram } from "../../../lib/tools/host/host.ts";
import { testHost } from "../../support/host.ts";
import { outcome } from "../../support/outcome.ts";
import { treeOf } from "../../support/tree.ts";

function write(files: readonly WriteFile[], host: ReturnType<typeof testHost>): Promise<string> {
  return outcome(writeFiles({ restart: false }), { writeFiles: files }, host);
}

describe("write_files", () => {
  test("writes content with permissions, and makes parents", async () => {
    using host = testHost();
    await write([{ path: "/a/b/c", content: "text\n", permissions: "0750" }, { path: "/d" }], host);
    expect(readFileSync(`${host.root}/a/b/c`, "utf8")).toBe("text\n");
    expect(statSync(`${host.root}/a/b/c`).mode & 0o7777).toBe(0o750);
    expect(readFileSync(`${host.root}/d`, "utf8")).toBe("");
    expect(statSync(`${host.root}/d`).mode & 0o7777).toBe(0o644);
  });

  test("gives missing directories in a home to whom it belongs, and none elsewhere", async () => {
    const passwd = "rancher:x:1000:1001::/home/rancher:/bin/bash\nother:x:1002:1002::/home/ran:/bin/sh\n";
    using host = testHost({ files: { "/etc/passwd": passwd } });
    const content = "";
    await write(
      [
        { path: "/home/rancher/.config/a/file", content },
        { path: "/srv/b/file", content },
      ],
      host,
    );
    const owners = ["home", "home/rancher", "home/rancher/.config", "home/rancher/.config/a", "srv/b"].map(
      (name) => {
        const { uid, gid } = statSync(`${host.root}/${name}`);
        return `${uid}:${gid}`;
      },
    );
    expect(owners).toEqual(["0:0", "1000:1001", "1000:1001", "1000:1001", "0:0"]);
    expect(statSync(`${host.root}/home/rancher/.config/a/file`).uid).toBe(0);
  });

  test.each([
    ["755", 0o755],
    ["04755", 0o4755],
    ["4755", 0o4755],
    ["1777", 0o1777],
    ["0o600", 0o600],
  ])("reads the permissions %s as octal", async (permissions, mode) => {
    using host = testHost();
    expect(await write([{ path: "/f", permissions }], host)).toBe("");
    expect(statSync(`${host.root}/f`).mode & 0o7777).toBe(mode);
  });

  test("changes nothing the second time", async () => {
    using host = testHost();
    const files = [{ path: "/f", content: "x", permissions: "04755" }];
    await write(files, host);
    const before = treeOf(host.root);
    await write(files, host);
    expect(treeOf(host.root)).toEqual(before);
  });

  test("lets the later of two entries for one path win", async () => {
    using host = testHost();
    await write(
      [
        { path: "/f", content: "first" },
        { path: "/f", content: "second" },
      ],
      host,
    );
    expect(readFileSync(`${host.root}/f`, "utf8")).toBe("second");
  });

  test.each([
    ["/etc/sysctl.d/90-mine.conf", ["systemctl try-reload-or-restart systemd-sysctl.service"]],
    ["/etc/modules-load.d/mine.conf", ["systemctl try-reload-or-restart systemd-modules-load.service"]],
    ["/etc/ssh/sshd_config.d/mine.conf", ["systemctl try-reload-or-restart ssh.service"]],
    ["/etc/systemd/system/mine.service", ["systemctl daemon-reload"]],
    ["/etc/mine.conf", []],
  ])("has %s read again by what read it before, once", async (path, calls) => {
    using host = testHost();
    for (let time = 0; time < 2; time++) {
      await writeFiles({ restart: true }).apply({ writeFiles: [{ path }] }, host);
      expect(host.programs.map(({ argv }) => argv.join(" "))).toEqual(calls);
    }
  });

  test("has nothing read again before the services start", async () => {
    using host = testHost();
    await write([{ path: "/etc/sysctl.d/90-mine.conf" }], host);
    expect(host.programs).toEqual([]);
  });

  test("replaces a link", async () => {
    using host = testHost({ files: { "/target": "old" } });
    symlinkSync("target", `${host.root}/link`);
    await write([{ path: "/link", content: "new" }], host);
    expect(lstatSync(`${host.root}/link`).isSymbolicLink()).toBe(false);
    expect(readFileSync(`${host.root}/target`, "utf8")).toBe("old");
  });

  test("takes a relative path from the root, and never leads above it", async () => {
    using host = testHost();
    await write([{ path: "etc/a" }, { path: "/../../b" }], host);
    expect(Object.keys(treeOf(host.root))).toEqual(["/b", "/etc/a"]);
  });

  test("finds owners by name and by number", async () => {
    const uid = process.getuid?.() ?? 0;
    const gid = process.getgid?.() ?? 0;
    using host = testHost({
      files: { "/etc/passwd": `me:x:${uid}:${gid}::/:/bin/sh\n`, "/etc/group": `us:x:${gid}:\n` },
    });
    expect(
      await write(
        [
          { path: "/a", owner: "me:us" },
          { path: "/b", owner: `${uid}:${gid}` },
        ],
        host,
      ),
    ).toBe("");
    expect(statSync(`${host.root}/a`)).toMatchObject({ uid, gid });
  });

  test.each([
    ['Unknown user "nobody-here"', { path: "/bad", owner: "nobody-here" }],
    ['Unknown group "nogroup-here"', { path: "/bad", owner: "0:nogroup-here" }],
    ['found the permissions "rwx"', { path: "/bad", permissions: "rwx" }],
    ['found the permissions "0999"', { path: "/bad", permissions: "0999" }],
    ['found the encoding "rot13"', { path: "/bad", encoding: "rot13" }],
    ["not valid base64", { path: "/bad", encoding: "b64", content: "a$b" }],
    ["not valid gzip", { path: "/bad", encoding: "gz+b64", content: "aGk=" }],
    ["expected the path of a file", { path: "" }],
    ["expected the path of a file", { path: "/bad/" }],
    ["found a NUL character", { path: "/b\0ad" }],
    ["a directory is in its place", { path: "/directory" }],
    ["not a directory", { path: "/file/below" }],
    ["a pipe is in its place", { path: "/pipe" }],
  ])("reports %p, writes the others, and leaves no rest", async (message, bad) => {
    using host = testHost({ files: { "/file": "" } });
    mkdirSync(`${host.root}/directory`);
    await runProgram(["mkfifo", `${host.root}/pipe`]);
    const report = await write([bad, { path: "/good", content: "x" }], host);
    expect(report).toStartWith(`write_files[0]: Writing ${JSON.stringify(bad.path)}: `);
    expect(report).toContain(message);
    expect(readdirSync(host.root).sort()).toEqual(["directory", "file", "good", "pipe"]);
    expect(readdirSync(`${host.root}/directory`)).toEqual([]);
  });
});
