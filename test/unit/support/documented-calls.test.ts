import { describe, expect, test } from "bun:test";
import { callComplaint } from "../../support/documented-calls.ts";
import { programCalls } from "../../support/shell-lines.ts";

describe("programCalls()", () => {
  test.each([
    ["k3os status   # what runs", [["k3os", "status"]]],
    [
      "curl -sfL URL |\n  sudo bash -s -- /dev/sda",
      [
        ["curl", "-sfL", "URL"],
        ["bash", "-s", "--", "/dev/sda"],
      ],
    ],
    ["sudo K3OS_VERSION=v1 k3os-upgrade-rootfs && sudo reboot", [["k3os-upgrade-rootfs"], ["reboot"]]],
    ["k3os install \\\n  --force /dev/sda", [["k3os", "install", "--force", "/dev/sda"]]],
    ["echo 'a | b' \"c; d\" >>file 2>&1", [["echo", "a | b", "c; d"]]],
    ["for a in x y; do\n  k3os release verify $a\ndone", [["k3os", "release", "verify", "$a"]]],
    ['sh install.sh "$(findmnt -no SOURCE /)"', [["sh", "install.sh", "$(findmnt -no SOURCE /)"]]],
    ["if test -e a; then reboot; fi", [["test", "-e", "a"], ["reboot"]]],
  ])("finds the calls of %p", (text, calls) => {
    expect(programCalls(text)).toEqual(calls);
  });

  test("refuses a quote that is never closed", () => {
    expect(() => programCalls("echo 'a")).toThrow("never closed");
  });
});

describe("callComplaint()", () => {
  test.each([
    "k3os --debug upgrade --kernel",
    "k3os config validate a.yaml b.yaml",
    "/k3os/system/k3os/current/k3os takeover --undo",
    "dist/artifacts/k3os-amd64 --version",
    "k3os-upgrade-rootfs --dry-run",
    "npm run build -- --arch arm64",
    "bun bin/vm.ts iso --memory 4096",
    "npm test -- vm --short --shard 1/3",
    "bash -s -- --takeover --tty ttyS0 /dev/vda1 https://example.com/a.iso",
    "sh install.sh --binary ./k3os /dev/sda",
  ])("finds nothing wrong with %p", async (line) => {
    expect(await callComplaint(line.split(" "))).toBeUndefined();
  });

  test.each([
    ["k3os stats", 'unknown command "stats"'],
    ["k3os config --nothing", 'Unknown option "--nothing"'],
    ["k3os overlay apply a b", 'Unexpected argument "b"'],
    ["k3os-upgrade-kernel --rootfs", 'Unknown option "--rootfs"'],
    ["npm run nothing", 'there is no npm script "nothing"'],
    ["npm run build --arch arm64", '"--arch" needs "--" before it'],
    ["npm run build -- --nothing", 'bin/build.ts has no option "--nothing"'],
    ["npm test -- vms", 'Unknown ring "vms": expected all, check, format, types, unit, system, vm, cluster'],
    ["bun bin/none.ts", 'there is no file "bin/none.ts"'],
    ["bash -s -- --nothing /dev/sda", 'Unknown option "--nothing"'],
    ["bash other.sh", "a shell that runs other.sh"],
    ["kubctl get nodes", 'unknown program "kubctl"'],
  ])("finds what is wrong with %p", async (line, complaint) => {
    expect(await callComplaint(line.split(" "))).toBe(complaint);
  });
});
