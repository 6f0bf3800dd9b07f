import { expect, test } from "bun:test";
import { propertiesOfUnits, unitProperties } from "../../../../lib/tools/host/systemd.ts";
import { testHost } from "../../../support/host.ts";

test("propertiesOfUnits() are those of several units, by one call", async () => {
  const stdout = "ActiveState=active\nExecStart={ argv[]=/sbin/k3s --x=y ; }\n\nActiveState=failed\n";
  using host = testHost({ answer: () => ({ stdout }) });
  const units = await propertiesOfUnits(["a.service", "b.target"], ["ActiveState", "ExecStart"], host);
  expect(units.get("a.service")?.get("ExecStart")).toBe("{ argv[]=/sbin/k3s --x=y ; }");
  expect(units.get("b.target")).toEqual(new Map([["ActiveState", "failed"]]));
  expect(host.programs.map(({ argv }) => argv.join(" "))).toEqual([
    "systemctl show --property ActiveState,ExecStart a.service b.target",
  ]);
});

test("unitProperties() are those of one", async () => {
  using host = testHost({ answer: () => ({ stdout: "ActiveState=active\n" }) });
  expect((await unitProperties("a.service", ["ActiveState"], host)).get("ActiveState")).toBe("active");
});
