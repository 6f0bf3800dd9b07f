import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { BootHost } from "../../../../lib/boot/boot-host.ts";
import { resetData } from "../../../../lib/boot/initrd/reset-data.ts";
import { keepList } from "../../../../lib/tools/node/reset-marker.ts";
import { type TestHost, testHost } from "../../../support/host.ts";

const FILES = [
  "var/lib/rancher/k3os/ssh/key",
  "var/lib/rancher/k3s/db",
  "var/lib/x",
  "home/rancher/a/b",
  "file",
];

let host: TestHost;
beforeEach(() => {
  host = testHost();
  for (const path of FILES) put(`k3os/data/${path}`, path);
  put("k3os/system/config.yaml", "hostname: a\n");
  put("outside/file", "outside");
});
afterEach(() => host[Symbol.dispose]());

function put(path: string, text: string): void {
  mkdirSync(dirname(join(host.root, path)), { recursive: true });
  writeFileSync(join(host.root, path), text);
}
const order = (text: string) => put("k3os/system/factory-reset.json", text);
const reset = () => resetData(host.root, host as unknown as BootHost);
const isMarked = () =>
  ["factory-reset", "factory-reset.json"].filter((name) => existsSync(join(host.root, "k3os/system", name)));

/** What is left of the data, the whole tree outside of it being untouched. */
function left(): string[] {
  expect(readFileSync(join(host.root, "outside/file"), "utf8")).toBe("outside");
  expect(readFileSync(join(host.root, "k3os/system/config.yaml"), "utf8")).toBe("hostname: a\n");
  const data = join(host.root, "k3os/data");
  return existsSync(data) ? readdirSync(data, { recursive: true, encoding: "utf8" }).sort() : [];
}

describe("resetData()", () => {
  test("deletes nothing without a marker", () => {
    reset();
    expect(left()).toContain("file");
  });

  test("deletes everything for an empty marker, whatever a list says beside it", () => {
    put("k3os/system/factory-reset", "");
    order(keepList(["/home"]));
    reset();
    expect([left(), isMarked()]).toEqual([[], []]);
  });

  test("deletes everything at every start of an ephemeral system, whatever a list says beside it", () => {
    put("k3os/system/ephemeral", "");
    order(keepList(["/home"]));
    reset();
    expect([left(), isMarked()]).toEqual([[], []]);
    put("k3os/data/file", "");
    reset();
    expect(left()).toEqual([]);
  });

  test("keeps what the list names, with all below it and the directories that lead to it", () => {
    order(keepList(["/home/rancher", "/var/lib/rancher/k3os/ssh", "/var/lib/x", "/nothing/there"]));
    reset();
    expect(left().filter((path) => FILES.includes(path))).toEqual([
      "home/rancher/a/b",
      "var/lib/rancher/k3os/ssh/key",
      "var/lib/x",
    ]);
    expect(left()).not.toContain("var/lib/rancher/k3s");
    expect(isMarked()).toEqual([]);
    reset();
    expect(left()).toContain("var/lib/x");
  });

  test("takes no name for another that it only begins with", () => {
    order(keepList(["/fi", "/var/li"]));
    reset();
    expect(left()).toEqual(["var"]);
  });

  test("follows no link, neither out of the data nor to what is to be kept", () => {
    symlinkSync(join(host.root, "outside"), join(host.root, "k3os/data/link"));
    symlinkSync("../../outside", join(host.root, "k3os/data/var/up"));
    symlinkSync("home", join(host.root, "k3os/data/also-home"));
    order(keepList(["/link/file", "/var/up/file", "/also-home/rancher"]));
    reset();
    expect(left()).toEqual(["var"]);
  });

  test("does not enter data that are a link themselves", () => {
    using other = testHost();
    mkdirSync(join(other.root, "k3os/system"), { recursive: true });
    symlinkSync(join(host.root, "outside"), join(other.root, "k3os/data"));
    writeFileSync(join(other.root, "k3os/system/factory-reset.json"), keepList(["/nothing"]));
    resetData(other.root, other as unknown as BootHost);
    expect(existsSync(join(other.root, "k3os/data"))).toBe(false);
    expect(left()).toContain("file");
  });

  test.each([
    "",
    "{",
    "null",
    "[]",
    '{"keep":[]}',
    '{"keep":"/home"}',
    '{"keep":["/home",1]}',
    keepList(["home"]),
    keepList(["/"]),
    keepList(["/home/"]),
    keepList(["/home/../../outside"]),
    keepList(["/.."]),
    keepList(["/home//rancher"]),
    keepList(["/home/./rancher"]),
    keepList(["/home\0"]),
  ])("deletes nothing of a list that cannot be understood: %j", (text) => {
    order(text);
    reset();
    expect(left().filter((path) => FILES.includes(path))).toEqual(FILES.toSorted());
    expect(host.logged.join()).toContain("nothing is deleted");
  });
});
