import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { removePackageFiles, removePaths } from "../../../../lib/make/image/strip.ts";
import { testHost } from "../../../support/host.ts";

describe("removePackageFiles()", () => {
  test("removes what the packages list, and directories that only they used", () => {
    using host = testHost({
      files: {
        "/var/lib/dpkg/info/perl-base.list":
          "/.\n/usr\n/usr/bin\n/usr/bin/perl\n/usr/lib/perl\n/usr/lib/perl/a.pm\n",
        "/var/lib/dpkg/info/libpy:amd64.list": "/usr\n/usr/lib\n/usr/lib/libpy.so\n",
        "/usr/bin/perl": "",
        "/usr/bin/other": "",
        "/usr/lib/perl/a.pm": "",
        "/usr/lib/libpy.so": "",
      },
    });
    removePackageFiles(host.root, ["perl-base", "libpy", "not-installed"]);
    const there = (path: string) => existsSync(join(host.root, path));
    expect(["usr/bin/perl", "usr/lib/perl", "usr/lib/libpy.so"].filter(there)).toEqual([]);
    expect(there("usr/bin/other")).toBe(true);
  });
});

describe("removePaths()", () => {
  test("matches alternatives, negations and hidden files", () => {
    using host = testHost({
      files: {
        "/etc/skel/.bashrc": "",
        "/etc/hosts": "",
        "/etc/passwd-": "",
        "/etc/ssl/a.pem": "",
        "/etc/ssl/all.crt": "",
      },
    });
    removePaths(host.root, ["etc/{hosts,*-}", "etc/skel/.*", "etc/ssl/!(all.crt)"]);
    const paths = ["etc/skel/.bashrc", "etc/hosts", "etc/passwd-", "etc/ssl/a.pem", "etc/ssl/all.crt"];
    expect(paths.filter((path) => existsSync(join(host.root, path)))).toEqual(["etc/ssl/all.crt"]);
  });
});
