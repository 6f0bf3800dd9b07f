import { describe, expect, test } from "bun:test";
import {
  SYSTEM_GROUPS,
  SYSTEM_USERS,
  systemAccountFiles,
  unexpectedAccounts,
  withLoginUser,
} from "../../../../lib/make/image/image-accounts.ts";

const DEBIAN = {
  passwd: "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
  group: "root:x:0:\nsudo:x:27:\nsystemd-journal:x:999:\nusers:x:100:\nnogroup:x:65534:\n",
};

describe("systemAccountFiles()", () => {
  test("gives every user a line in passwd and, without a password, in shadow", () => {
    const { passwd, shadow } = systemAccountFiles();
    const names = SYSTEM_USERS.map((user) => user.name);
    expect(
      passwd
        .trim()
        .split("\n")
        .map((line) => line.split(":")[0]),
    ).toEqual(names);
    expect(
      shadow
        .trim()
        .split("\n")
        .map((line) => line.split(":").slice(0, 2)),
    ).toEqual(names.map((name) => [name, "!*"]));
  });
});

describe("unexpectedAccounts()", () => {
  test("accepts Debian's own and ours", () => {
    const ours = systemAccountFiles();
    const files = { passwd: DEBIAN.passwd + ours.passwd, group: DEBIAN.group + ours.group };
    expect(unexpectedAccounts(files)).toEqual([]);
  });

  test("names accounts that a package has added, or given another id", () => {
    const passwd = `${DEBIAN.passwd}tcpdump:x:105:110::/:/usr/sbin/nologin\nsshd:x:107:65534::/:/usr/sbin/nologin\n`;
    const group = `${DEBIAN.group}tcpdump:x:110:\n`;
    expect(unexpectedAccounts({ passwd, group })).toEqual([
      "user tcpdump 105",
      "user sshd 107",
      "group tcpdump 110",
    ]);
  });
});

describe("the tables", () => {
  test("use no id twice", () => {
    const users = SYSTEM_USERS.map((user) => user.uid);
    const groups = Object.values(SYSTEM_GROUPS);
    expect(new Set(users).size).toBe(users.length);
    expect(new Set(groups).size).toBe(groups.length);
  });
});

describe("withLoginUser()", () => {
  const files = withLoginUser({
    ...DEBIAN,
    shadow: "root::20000:0:99999:7:::\nsshd:!*:20000::::::\n",
    gshadow: "root:*::\nsudo:*::\n",
  });

  test("adds rancher with id 1000, in the groups sudo and systemd-journal", () => {
    expect(files.passwd).toEndWith("rancher:x:1000:1000::/home/rancher:/bin/bash\n");
    expect(files.group).toContain("sudo:x:27:rancher\n");
    expect(files.group).toContain("systemd-journal:x:999:rancher\n");
    expect(files.gshadow).toContain("sudo:*::rancher\n");
    expect(files.group).toEndWith("rancher:x:1000:\n");
  });

  test("leaves no account a password, root neither", () => {
    expect(
      files.shadow
        .trim()
        .split("\n")
        .map((line) => line.split(":")[1]),
    ).toEqual(["*", "*", "!"]);
  });

  test("fixes the day of the last change", () => {
    expect(
      files.shadow
        .trim()
        .split("\n")
        .map((line) => line.split(":")[2]),
    ).toEqual(["1", "1", "1"]);
  });
});
