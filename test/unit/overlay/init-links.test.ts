import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { giveNamesBack, takeNames } from "../../../lib/overlay/init-links.ts";
import { linkTarget } from "../../../lib/tools/fs/links.ts";
import { filesBelow } from "../../../lib/tools/fs/walk.ts";
import { oldInit } from "../../../lib/tools/node/foreign-root.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "k3os-init-"));
});

afterEach(() => rmSync(root, { recursive: true }));

/** Names and what is behind them, below the root. */
function look(): Record<string, string> {
  return Object.fromEntries(
    filesBelow(root).map((name) => {
      const path = join(root, name);
      const target = linkTarget(path);
      return [name, target === undefined ? readFileSync(path, "utf8") : `-> ${target}`];
    }),
  );
}

/** A Debian, with its /sbin as it has been for some years or as it was before. */
function makeDebian(merged: boolean): string {
  mkdirSync(join(root, "usr/lib/systemd"), { recursive: true });
  writeFileSync(join(root, "usr/lib/systemd/systemd"), "systemd");
  symlinkSync("usr/lib", join(root, "lib"));
  const sbin = merged ? "usr/sbin" : "sbin";
  mkdirSync(join(root, sbin));
  if (merged) symlinkSync("usr/sbin", join(root, "sbin"));
  symlinkSync(merged ? "../lib/systemd/systemd" : "/lib/systemd/systemd", join(root, sbin, "init"));
  writeFileSync(join(root, sbin, "kubectl"), "the user's own");
  return sbin;
}

describe.each([true, false])("with usr-merge %p, takeNames()", (merged) => {
  test("keeps what had the names, and giveNamesBack() brings it all back", () => {
    const sbin = makeDebian(merged);
    const before = look();
    takeNames(root);
    takeNames(root); // what is ours already is not kept as if it were the old
    expect(look()).toEqual({
      ...before,
      [`${sbin}/init`]: "-> k3os",
      [`${sbin}/init.before-k3os`]: before[`${sbin}/init`] ?? "",
      [`${sbin}/k3os`]: "-> /k3os/system/k3os/current/k3os",
      [`${sbin}/k3s`]: "-> /k3os/system/k3s/current/k3s",
      [`${sbin}/kubectl`]: "-> k3s",
      [`${sbin}/kubectl.before-k3os`]: "the user's own",
      [`${sbin}/crictl`]: "-> k3s",
      [`${sbin}/ctr`]: "-> k3s",
    });
    expect(oldInit(root)).toBe("/sbin/init.before-k3os");
    expect(giveNamesBack(root)).toBe("/sbin/init.before-k3os");
    expect(look()).toEqual(before);
  });
});

describe("giveNamesBack()", () => {
  test("makes a link to the program where tar has written over the old one", () => {
    const sbin = makeDebian(true);
    takeNames(root);
    rmSync(join(root, sbin, "init.before-k3os"));
    expect(giveNamesBack(root)).toBe("/usr/lib/systemd/systemd");
    expect(readlinkSync(join(root, sbin, "init"))).toBe("/usr/lib/systemd/systemd");
  });

  test("changes nothing where nothing else could start the root", () => {
    mkdirSync(join(root, "sbin"));
    takeNames(root);
    const before = look();
    expect(() => giveNamesBack(root)).toThrow("has no other init program");
    expect(look()).toEqual(before);
  });

  test("leaves alone what is not ours", () => {
    const sbin = makeDebian(false);
    const before = look();
    giveNamesBack(root);
    expect(look()).toEqual(before);
    expect(sbin).toBe("sbin");
  });
});
