import { describe, expect, test } from "bun:test";
import { COMMANDS } from "../../../../../bin/commands.ts";
import { type CommandTable, defineCommand } from "../../../../../lib/tools/cli/cli.ts";
import { describeCommands } from "../../../../../lib/tools/cli/completion/describe-commands.ts";

const TABLE: CommandTable = {
  act: {
    summary: "Act",
    aliases: ["do"],
    links: ["k3os-act"],
    load: async () =>
      defineCommand({
        usage: "[DEVICE [FILE|URL]...]",
        options: {
          root: { type: "string", short: "r", value: "DIR", help: "where" },
          level: { type: "string", multiple: true, choices: async () => ["low", "high"], help: "how much" },
          name: { type: "string", help: "which" },
          secret: { type: "boolean", hidden: true, help: "none of your business" },
        },
        maxPositionals: Number.POSITIVE_INFINITY,
        run: async () => 0,
      }),
  },
  hidden: {
    summary: "Nothing",
    hidden: true,
    load: async () => defineCommand({ options: {}, run: async () => 0 }),
  },
};

describe("describeCommands()", () => {
  test("tells by what each value and argument is completed, and leaves out what is hidden", async () => {
    const [program, act, ...others] = await describeCommands(TABLE);
    expect(others).toEqual([]);
    expect(program).toMatchObject({
      subcommands: [{ names: ["act", "do"], summary: "Act" }],
      links: ["k3os"],
    });
    expect(act).toMatchObject({
      words: ["act"],
      arguments: [{ kind: "device" }, { kind: "file" }],
      repeats: true,
      links: ["k3os-act"],
    });
    expect(act?.options.map(({ names, multiple, value }) => ({ names, multiple, value }))).toEqual([
      { names: ["--root", "-r"], multiple: false, value: { kind: "directory" } },
      { names: ["--level"], multiple: true, value: { kind: "words", words: ["low", "high"] } },
      { names: ["--name"], multiple: false, value: { kind: "unknown" } },
      { names: ["--debug"], multiple: false, value: undefined },
      { names: ["--help", "-h"], multiple: false, value: undefined },
    ]);
  });

  test("finds something for every argument that is a file, a directory or a device by its name", async () => {
    const commands = await describeCommands(COMMANDS);
    const kinds = Object.fromEntries(
      commands.map(({ words, arguments: places }) => [words.join(" "), places.map(({ kind }) => kind)]),
    );
    expect(kinds).toMatchObject({
      install: ["device", "file"],
      "config validate": ["file"],
      "config explain": ["words"],
      metadata: ["words"],
      "overlay apply": ["file"],
      "release sign": ["directory"],
      "release verify": ["directory"],
    });
  });
});
