import { describe, expect, test } from "bun:test";
import { bootWords } from "../../../../lib/boot/mode.ts";
import { readCmdline } from "../../../../lib/config/read/cmdline.ts";
import { mergeLayers } from "../../../../lib/config/read/merge.ts";
import { parseConfigText } from "../../../../lib/config/read/parse.ts";
import { parseCommandLine } from "../../../../lib/tools/cli/cli.ts";
import { BOOLEAN_WORDS, booleanOf } from "../../../../lib/tools/text/boolean-word.ts";

const COMMAND = {
  options: { poweroff: { type: "boolean", help: "power off", env: "K3OS_INSTALL_POWER_OFF" } },
  run: async () => 0,
} as const;

/** Every place where a boolean can be written: the value that a text has there, or what is wrong with it. */
const PLACES: Readonly<Record<string, (text: string) => boolean | string | undefined>> = {
  option: (text) => attempt(() => parseCommandLine(COMMAND, [`--poweroff=${text}`], {}).values.poweroff),
  variable: (text) =>
    attempt(() => parseCommandLine(COMMAND, [], { K3OS_INSTALL_POWER_OFF: text }).values.poweroff),
  "kernel parameter": (text) => {
    const { config, diagnostics } = mergeLayers([readCmdline(`k3os.install.power_off=${text}`, "cmdline")]);
    return config.k3os?.install?.powerOff ?? diagnostics[0]?.message;
  },
  file: (text) => {
    const { config, diagnostics } = parseConfigText(`k3os: {install: {power_off: ${text}}}`, "file");
    return config.k3os?.install?.powerOff ?? diagnostics[0]?.message;
  },
};

function attempt(read: () => boolean): boolean | string {
  try {
    return read();
  } catch (error) {
    return (error as Error).message;
  }
}

const SPELLINGS = Object.entries(BOOLEAN_WORDS).flatMap(([word, value]) =>
  [...new Set([word, word.toUpperCase(), word[0]?.toUpperCase() + word.slice(1)])].map(
    (spelling) => [spelling, value] as const,
  ),
);

describe.each(Object.entries(PLACES))("a boolean as %s", (_, read) => {
  test.each(SPELLINGS)("%s is %p", (text, value) => {
    expect(read(text)).toBe(value);
  });

  test.each(["maybe", "2", "yess", "constructor"])("is not %s", (text) => {
    expect(read(text)).toEndWith(`found "${text}", expected true or false`);
  });
});

test.each(SPELLINGS)("k3os.debug=%s is %p", (text, value) => {
  expect(bootWords(`k3os.debug=${text}`).debug).toBe(value);
});

test("booleanOf() forgives blanks around a word", () => {
  expect(booleanOf(" yes\n")).toBe(true);
  expect(booleanOf("")).toBeUndefined();
});
