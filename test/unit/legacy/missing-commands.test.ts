import { describe, expect, test } from "bun:test";
import type { CloudConfig } from "../../../lib/config/schema/schema.ts";
import { missingCommands } from "../../../lib/legacy/missing-commands.ts";
import { testHost } from "../../support/host.ts";

function messages(config: CloudConfig, files: Readonly<Record<string, string>> = {}): string[] {
  using host = testHost({ files });
  return missingCommands(config, host).map(({ path, message }) => `${path}: ${message}`);
}

describe("missingCommands()", () => {
  test("has nothing against commands that real configurations use and that exist", () => {
    const runCmd = [
      "sudo ifconfig eth0 up; route add default gw 10.0.0.1",
      "wget -q http://example.com/x -O /tmp/x && unzip /tmp/x; nc -z host 22; nslookup host; traceroute host",
      "rc-update add sshd default; rc-service iscsid start; service k3s-service restart; /etc/init.d/ntpd start",
      "adduser -D -G users vagrant; addgroup vagrant sudo; crontab -l; ether-wake 00:11:22:33:44:55",
      "ln -sf /usr/share/zoneinfo/Europe/Berlin /etc/localtime",
      "/opt/bin/own --flag; ./relative; /usr/local/bin/x",
      "kubectl apply -f /x; k3s crictl ps; source /run/x; rc-update add haveged",
      "ifenslave bond0 eth0 eth1",
    ];
    expect(messages({ runCmd })).toEqual([]);
  });

  test("names what is not here, and what to use instead", () => {
    expect(
      messages({ bootCmd: ["apk add nano"], runCmd: ["setup-timezone -z UTC; kubens x; no-such"] }),
    ).toEqual([
      'boot_cmd[0]: k3OS has no "apk": k3OS has no packages: put static programs into /usr/local/bin, or use "toolbox"',
      'run_cmd[0]: k3OS has no "setup-timezone"',
      'run_cmd[0]: k3OS has no "kubens": use "kubectl config set-context --current --namespace"',
      'run_cmd[0]: k3OS has no "no-such"',
    ]);
  });

  test("names services that nothing here stands for", () => {
    const runCmd = ["rc-update add docker default; sudo service docker start; /etc/init.d/docker start"];
    expect(messages({ runCmd })).toEqual([
      'run_cmd[0]: k3OS has no service "docker": write a unit to /etc/systemd/system, and start it by systemctl',
    ]);
    const unit = { path: "/etc/systemd/system/docker.service", content: "" };
    expect(messages({ runCmd, writeFiles: [unit] })).toEqual([]);
    expect(messages({ runCmd }, { "/usr/lib/systemd/system/docker.service": "" })).toEqual([]);
  });

  test("counts programs of the user's own", () => {
    const runCmd = ["mine --now"];
    expect(messages({ runCmd })).toHaveLength(1);
    expect(messages({ runCmd }, { "/usr/local/bin/mine": "" })).toEqual([]);
    expect(messages({ runCmd, writeFiles: [{ path: "/usr/local/bin/mine", content: "" }] })).toEqual([]);
  });

  test("looks into scripts that the commands run", () => {
    const script = { path: "/etc/bonding", content: "#!/bin/bash\nifenslave bond0 eth0\nno-such bond0\n" };
    expect(messages({ runCmd: ["/etc/bonding"], writeFiles: [script] })).toEqual([
      'write_files[0]: k3OS has no "no-such"',
    ]);
    expect(messages({ writeFiles: [script] })).toEqual([]);
    const plain = { ...script, content: "no-such bond0\n" };
    expect(messages({ runCmd: ["/etc/bonding"], writeFiles: [plain] })).toHaveLength(1);
    expect(messages({ runCmd: ["kubectl apply -f /etc/bonding"], writeFiles: [plain] })).toEqual([]);
  });

  test("looks into scripts of local.d, and names those of OpenRC", () => {
    const script = { path: "/etc/local.d/a.start", content: "#!/bin/sh\napk update\n" };
    const service = { path: "/etc/init.d/mine", content: "#!/sbin/openrc-run\ncommand=/x\n" };
    const other = { path: "/etc/local.d/b.start", content: "#!/usr/bin/python\napk update\n" };
    expect(messages({ writeFiles: [script, service, other] }).map((line) => line.slice(0, 34))).toEqual([
      'write_files[0]: k3OS has no "apk":',
      'write_files[1]: k3OS has no "openr',
    ]);
  });
});
