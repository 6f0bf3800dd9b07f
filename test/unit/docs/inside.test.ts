import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PHASES } from "../../../lib/apply/stages.ts";
import { LABEL } from "../../../lib/tools/host/paths.ts";
import { PROJECT, readSources } from "../../support/sources.ts";

const page = (name: string) => readFileSync(join(PROJECT, "docs", name), "utf8");
const inside = page("inside.md");

/** The cells of the table that begins with this head. */
function table(text: string, head: string): string[][] {
  const [, after = ""] = text.split(`| ${head} |`);
  const rows = after.split("\n").slice(2);
  const end = rows.findIndex((row) => !row.startsWith("|"));
  return rows.slice(0, end).map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** The folders that a file is in, but for `lib` itself. */
function parentsOf(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join("/")).filter((folder) => folder !== "lib");
}

describe("docs/inside.md", () => {
  test("has the appliers of every phase in their order", () => {
    const phases = Object.entries(PHASES).map(([phase, appliers]) => [
      phase,
      appliers.map(({ name }) => name).join(", "),
    ]);
    expect(table(inside, "phase | appliers, in order")).toEqual(phases);
  });

  test("has the steps of the second stage in their order", () => {
    const source = readFileSync(join(PROJECT, "lib/boot/system/second-stage.ts"), "utf8");
    const steps = [...source.matchAll(/^ {2}\{ name: "([^"]+)"/gm)].map(([, name = ""]) => name);
    expect(steps.length).toBeGreaterThan(10);
    expect(table(inside, "step | what").map(([name]) => name)).toEqual(steps);
  });

  test("names units that there are", () => {
    const units = [...inside.matchAll(/`([\w@-]+\.(?:service|timer))`/g)].map(([, unit = ""]) => unit);
    expect(units.length).toBeGreaterThan(5);
    expect(
      units.filter((unit) => !existsSync(join(PROJECT, "overlay/usr/lib/systemd/system", unit))),
    ).toEqual([]);
  });

  test("has a line for each folder of the program", () => {
    const folders = readSources(["bin", "commands", "lib"]).flatMap(({ path }) => parentsOf(path));
    const listed = table(inside, "folder | what").map(([folder = ""]) => folder.replaceAll("`", ""));
    const inC = ["lib/make/executable/launcher", "lib/make/executable/loader"];
    expect(listed.toSorted()).toEqual([...new Set([...folders, ...inC])].toSorted());
  });
});

test("docs/troubleshooting.md quotes what the program says", () => {
  const said = readSources(["lib", "commands"])
    .map(({ text }) => text)
    .join("\n")
    .replace(/\$\{LABEL\.state\}/g, LABEL.state);
  const rows = page("troubleshooting.md").matchAll(/^\| ([^|]+) \|/gm);
  const quoted = [...rows].flatMap(([, symptom = ""]) => [...symptom.matchAll(/`([A-Za-z]+ [^`]+)`/g)]);
  expect(quoted.length).toBeGreaterThan(4);
  expect(quoted.map(([, text = ""]) => text).filter((text) => !said.includes(text))).toEqual([]);
});
