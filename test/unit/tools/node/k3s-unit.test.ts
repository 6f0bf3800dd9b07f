import { describe, expect, test } from "bun:test";
import { parseK3sUnit, readK3sUnit } from "../../../../lib/tools/node/k3s-unit.ts";
import { testHost } from "../../../support/host.ts";

function unit(args: string, setting = ""): string {
  return `[Unit]\nDescription=Lightweight Kubernetes\n${setting}\n[Service]\nExecStart=/sbin/k3s ${args}\n`;
}

describe("parseK3sUnit()", () => {
  test("knows a server by its first argument", () => {
    expect(parseK3sUnit(unit("server"))).toEqual({ role: "server", joins: undefined });
    expect(parseK3sUnit(unit("server --cluster-init"))).toEqual({ role: "server", joins: undefined });
    expect(parseK3sUnit(unit("agent --server-x"))).toEqual({ role: "agent", joins: undefined });
  });

  test("knows the server to join by the setting, and rather by the argument", () => {
    const setting = "X-K3OS-Server=https://s:6443\n";
    expect(parseK3sUnit(unit("agent", setting)).joins).toBe("https://s:6443");
    for (const argument of ["--server https://t:6443", "-s https://t:6443", "--server=https://t:6443"]) {
      expect(parseK3sUnit(unit(`agent -v 2 ${argument} --x y`, setting)).joins).toBe("https://t:6443");
    }
  });
});

describe("readK3sUnit()", () => {
  test("is undefined where k3s is not configured", () => {
    using host = testHost();
    expect(readK3sUnit(host)).toBeUndefined();
  });

  test("reads the unit that the boot wrote", () => {
    using host = testHost({ files: { "/etc/systemd/system/k3s-service.service": unit("agent") } });
    expect(readK3sUnit(host)?.role).toBe("agent");
  });
});
