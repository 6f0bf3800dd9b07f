import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fillTree } from "../../../../lib/tools/fs/fill-tree.ts";
import { type TestHost, testHost } from "../../../support/host.ts";
import { treeOf } from "../../../support/tree.ts";

let host: TestHost;
beforeEach(() => {
  host = testHost({ files: { "/from/a": "of the image", "/from/d/b": "b", "/from/d/empty": "" } });
  chmodSync(join(host.root, "from/a"), 0o640);
  chmodSync(join(host.root, "from/d"), 0o2750);
  symlinkSync("../a", join(host.root, "from/d/link"));
});
afterEach(() => host[Symbol.dispose]());

const at = (path: string) => join(host.root, path);
const fill = () => fillTree(at("from"), at("to"), host);
const read = (path: string) => readFileSync(at(path), "utf8");
const modeOf = (path: string) => statSync(at(path)).mode & 0o7777;

describe("fillTree()", () => {
  test("copies files, links and directories with their modes, whatever the umask", () => {
    const umask = process.umask(0o077);
    try {
      fill();
    } finally {
      process.umask(umask);
    }
    const paths = readdirSync(at("to"), { recursive: true }).sort();
    expect(paths).toEqual(["a", "d", "d/b", "d/empty", "d/link"]);
    expect([read("to/a"), read("to/d/b"), readlinkSync(at("to/d/link"))]).toEqual([
      "of the image",
      "b",
      "../a",
    ]);
    expect([modeOf("to/a"), modeOf("to/d")]).toEqual([0o640, 0o2750]);
    expect(host.logged).toEqual([]);
  });

  test("leaves alone what is there, and changes nothing when it is called again", () => {
    fill();
    writeFileSync(at("to/a"), "edited");
    writeFileSync(at("to/d/empty"), "a record\0of a program");
    rmSync(at("to/d/link"));
    symlinkSync("elsewhere", at("to/d/link"));
    const before = treeOf(at("to"));
    fill();
    expect(treeOf(at("to"))).toEqual(before);
    expect(host.logged).toEqual([]);
  });

  test("copies again what is missing or damaged, and tells of the latter", () => {
    fill();
    rmSync(at("to/d/b"));
    writeFileSync(at("to/a"), "\0".repeat(12));
    chmodSync(at("to/d"), 0o700);
    fill();
    expect([read("to/a"), read("to/d/b"), modeOf("to/a"), modeOf("to/d")]).toEqual([
      "of the image",
      "b",
      0o640,
      0o2750,
    ]);
    expect(host.logged).toEqual([`Warning: "${at("to/a")}" was damaged: it is "${at("from/a")}" again`]);
  });

  test("goes into a link to a directory, and on past what is in the way", () => {
    mkdirSync(at("to"));
    writeFileSync(at("to/d"), "a file");
    fill();
    expect(read("to/a")).toBe("of the image");
    expect(host.logged).toEqual([`Error: "${at("to/d")}" is not a directory: nothing is copied into it`]);
    rmSync(at("to/d"));
    mkdirSync(at("elsewhere"));
    symlinkSync("../elsewhere", at("to/d"));
    fill();
    expect(read("elsewhere/b")).toBe("b");
  });
});
