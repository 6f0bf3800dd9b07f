import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { configValidate } from "../../../commands/config-validate.ts";
import { warnOfMissing } from "../../../lib/legacy/warn-of-missing.ts";
import { parseCommandLine } from "../../../lib/tools/cli/cli.ts";
import { PATH } from "../../../lib/tools/host/paths.ts";
import { testHost } from "../../support/host.ts";

const CONFIG = "run_cmd:\n- sudo ifconfig eth0 up\n- apk add nano\n";

test("warnOfMissing() reads the configuration of the machine whose system it is, wherever that is mounted", async () => {
  using host = testHost({ files: { [`/host${PATH.systemConfig}`]: CONFIG } });
  await warnOfMissing(join(host.root, "host/k3os/system"), host);
  expect(host.logged).toHaveLength(1);
  expect(host.logged[0]).toStartWith('Warning: run_cmd[1] of the configuration will fail: k3OS has no "apk"');
});

test("k3os config validate warns of commands that are not here, and calls the file valid", async () => {
  using host = testHost();
  const file = join(host.root, "config.yaml");
  writeFileSync(file, CONFIG);
  expect(await configValidate.run(parseCommandLine(configValidate, [file], {}), host)).toBe(0);
  expect(host.logged[0]).toStartWith(`Warning: ${file}: run_cmd[1]: k3OS has no "apk": `);
  expect(host.logged.at(-1)).toBe("The configuration is valid");
});
