import { describe, expect, test } from "bun:test";
import { adduser } from "../../../commands/adduser.ts";
import { deluser } from "../../../commands/deluser.ts";
import { addgroupPrograms, delgroupPrograms } from "../../../lib/legacy/account-commands.ts";
import { parseCommandLine } from "../../../lib/tools/cli/cli.ts";
import { testHost } from "../../support/host.ts";

async function calls(command: typeof adduser, line: string): Promise<string[]> {
  using host = testHost();
  expect(await command.run(parseCommandLine(command, line.split(" "), {}), host)).toBe(0);
  return host.programs.map(({ argv }) => argv.join(" "));
}

const GROUP = { gid: undefined, system: false } as const;

describe("adduser", () => {
  test.each([
    ["-D vagrant", ["useradd --create-home --user-group --shell /bin/bash vagrant"]],
    [
      "-h /srv/x -g Name -s /bin/sh -G users -u 1500 -k /skel -D x",
      [
        "useradd --create-home --gid users --shell /bin/sh --home-dir /srv/x --comment Name --uid 1500 --skel /skel x",
      ],
    ],
    ["-S -D -H x", ["useradd --no-create-home --gid nogroup --shell /usr/sbin/nologin --system x"]],
    [
      "--disabled-password --gecos x y",
      ["useradd --create-home --user-group --shell /bin/bash --comment x y"],
    ],
    ["x", ["useradd --create-home --user-group --shell /bin/bash x", "passwd x"]],
    ["x sudo", ["usermod --append --groups sudo x"]],
  ])("%s runs what does that", async (line, programs) => {
    expect(await calls(adduser, line)).toEqual(programs);
  });
});

test("deluser removes a user, or a user from a group", async () => {
  expect(await calls(deluser, "--remove-home x")).toEqual(["userdel --remove x"]);
  expect(await calls(deluser, "x sudo")).toEqual(["gpasswd --delete x sudo"]);
});

test("addgroup and delgroup take a group, or a user and a group", () => {
  expect(addgroupPrograms({ ...GROUP, gid: "99" }, ["x"])).toEqual([["groupadd", "--gid", "99", "x"]]);
  expect(addgroupPrograms(GROUP, ["x", "sudo"])).toEqual([["usermod", "--append", "--groups", "sudo", "x"]]);
  expect(delgroupPrograms(["x"])).toEqual([["groupdel", "x"]]);
  expect(delgroupPrograms(["x", "sudo"])).toEqual([["gpasswd", "--delete", "x", "sudo"]]);
  expect(() => delgroupPrograms([])).toThrow("expected [USER] GROUP");
});
