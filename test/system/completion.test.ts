import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COMMANDS } from "../../bin/commands.ts";
import { roffPage } from "../../lib/tools/cli/man-format.ts";
import { manPages } from "../../lib/tools/cli/man-page.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { EXECUTABLE } from "../support/clouds.ts";

/** What the executable prints for shells and for man(1), read by the real ones; the unit tests have bash. */
let scratch: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "k3os-completion-"));
  mkdirSync(join(scratch, "functions"));
  for (const [shell, file] of Object.entries({ zsh: "functions/_k3os", fish: "k3os.fish" })) {
    const { stdout } = await runProgram([EXECUTABLE, "completion", shell]);
    writeFileSync(join(scratch, file), stdout);
  }
  writeFileSync(join(scratch, ".zshrc"), ZSHRC);
});

afterAll(() => rmSync(scratch, { recursive: true }));

/** zsh completes only in its editor: this completes a line as soon as that starts, notes what is offered, and ends. */
const ZSHRC = `
fpath=($ZDOTDIR/functions $fpath)
autoload -Uz compinit
compinit -u -d $ZDOTDIR/dump
compadd() {
  local -a found
  if (( ! \${argv[(I)-[AOD]*]} )); then
    builtin compadd -A found "$@"
    print -rl -- $found >> $ZDOTDIR/found
  fi
  builtin compadd "$@"
}
zle-line-init() { BUFFER=$LINE_TO_COMPLETE; CURSOR=$#BUFFER; zle list-choices; exit }
zle -N zle-line-init
`;

async function zsh(line: string): Promise<string[]> {
  const found = join(scratch, "found");
  rmSync(found, { force: true });
  const env = { ZDOTDIR: scratch, LINE_TO_COMPLETE: line, TERM: "xterm" };
  await runProgram(["script", "-qec", "zsh -i", "/dev/null"], { env, check: false, timeout: 20_000 });
  const text = existsSync(found) ? readFileSync(found, "utf8") : "";
  return text.split("\n").filter((word) => word !== "");
}

async function fish(line: string): Promise<string[]> {
  const program = "source $argv[1]; complete --do-complete=$argv[2]";
  const argv = ["fish", "--no-config", "--command", program, join(scratch, "k3os.fish"), line];
  const { stdout } = await runProgram(argv, { env: { HOME: scratch } });
  return stdout
    .split("\n")
    .filter((row) => row !== "")
    .map((row) => row.replace(/\t.*/, ""));
}

const LINES: readonly (readonly [string, string[]])[] = [
  ["k3os upg", ["upgrade", "upgrade-kernel", "upgrade-rootfs"]],
  ["k3os --debug rele", ["release"]],
  ["k3os release ", ["sign", "verify"]],
  ["k3os cfg s", ["schema"]],
  ["k3os rollback --k", ["--keep-data"]],
  ["k3os config validate --d", ["--debug"]],
  ["k3os release verify --arch am", ["amd64"]],
  ["k3os metadata aws h", ["hetzner"]],
  ["k3os config validate /etc/os-rel", ["os-release"]],
  ["k3os-upgrade-kernel --allow", ["--allow-downgrade", "--allow-expired", "--allow-skew"]],
  ["metadata di", ["digitalocean"]],
];

describe.each([
  ["zsh", zsh],
  ["fish", fish],
] as const)("%s", (_, complete) => {
  test.each(LINES)("completes: %s", async (line, wanted) => {
    // zsh offers names of files without their directory
    const offered = (await complete(line)).map((word) => word.replace(/^\/etc\//, ""));
    expect(offered.sort()).toEqual(wanted);
  });
});

test("the manual has no fault that mandoc knows", async () => {
  for (const page of await manPages(COMMANDS)) {
    const input = roffPage(page, { version: "v1.2.3", date: "2026-01-02" });
    const { stdout } = await runProgram(["mandoc", "-T", "lint", "-W", "warning"], { input, check: false });
    expect([page.name, stdout]).toEqual([page.name, ""]);
  }
});

test("k3os man is read by man(1), and is text on a terminal", async () => {
  const { stdout: input } = await runProgram([EXECUTABLE, "man", "rollback"]);
  const { stdout } = await runProgram(["mandoc", "-T", "utf8"], { input });
  expect(stdout).toContain("k3os-rollback");
  const shown = await runProgram(["script", "-qec", `${EXECUTABLE} man rollback`, "/dev/null"]);
  expect(shown.stdout).toStartWith("NAME\r\n       k3os-rollback - ");
});
