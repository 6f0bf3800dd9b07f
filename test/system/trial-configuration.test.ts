import { afterAll, beforeAll, expect, test } from "bun:test";
import type { RunResult } from "../../lib/tools/host/host.ts";
import { openSandbox, type Sandbox } from "../support/sandbox.ts";
import { EXECUTABLE } from "../support/upgrader.ts";

/** The executable applies a configuration under one version, and judges another by what became of it. */
let sandbox: Sandbox;

const RECORD = "/var/lib/rancher/k3os/applied.json";
const CONFIG = `run_cmd: ['[ "$(readlink /k3os/system/k3os/current)" = v1 ]', "false"]\n`;

/** As it answers on a machine where all runs but a service that failed; a restart ends who asks for it. */
const SYSTEMCTL = `#!/bin/sh
case "$*" in
*multi-user.target*) printf 'ActiveState=active\\n\\nActiveState=failed\\nResult=exit-code\\n' ;;
*k3s-service.service*) printf 'ActiveState=active\\nExecStart=k3s server ;\\n' ;;
reboot*) touch /run/restarted; kill $PPID ;;
esac
`;

const TRIAL = JSON.stringify({
  ...{ state: "trial", kind: "upgrade", since: "2030-01-01T00:00:00.000Z", started: true, left: 1 },
  ...{ keep: 0, tolerated: [], keepData: false, parts: [{ component: "k3os", from: "v1", to: "v2" }] },
});

function k3os(...argv: readonly string[]): Promise<RunResult> {
  const line = 'PATH=/usr/local/bin:$PATH; "$@"; exit $?';
  return sandbox.run(["sh", "-c", line, "k3os", EXECUTABLE, ...argv], { check: false });
}

async function write(path: string, text: string): Promise<void> {
  await sandbox.run(["sh", "-c", 'mkdir -p "$(dirname "$0")" && cat > "$0" && chmod 755 "$0"', path], {
    input: text,
  });
}

const shell = async (line: string) => (await sandbox.run(["sh", "-c", line])).stdout.trim();

async function startTrial(): Promise<void> {
  await shell("ln -sfn v2 /k3os/system/k3os/current; rm -f /run/restarted");
  await write("/k3os/system/trial.json", TRIAL);
  expect((await k3os("config")).code).toBe(1);
  await shell("rm -f /etc/systemd/system/k3s-service.service"); // no k3s runs here, and none is judged
}

beforeAll(async () => {
  sandbox = await openSandbox();
  await write("/usr/local/bin/systemctl", SYSTEMCTL);
  await write("/usr/local/bin/k3s", "#!/bin/sh\n"); // else it would be fetched
  await shell("mkdir -p /run/k3os /k3os/system/k3os/v1 /k3os/system/k3os/v2; echo local >/run/k3os/mode");
  await shell("ln -s v1 /k3os/system/k3os/current; rm -f /etc/systemd/system/k3s-service.service");
  await write("/var/lib/rancher/k3os/config.yaml", CONFIG);
  for (const _ of ["first", "second"]) expect((await k3os("config")).code).toBe(1);
});

afterAll(() => sandbox?.[Symbol.asyncDispose]());

test("versions are taken back for a command that succeeded before, and not for one that did not", async () => {
  await startTrial();
  const { code, stderr } = await k3os("health", "--judge", "--deadline", "0");
  expect(code).toBe(128 + 15);
  expect(stderr).toContain("Not healthy: configuration: achieved before, and not now: run_cmd[0]: ");
  expect(stderr).not.toContain("run_cmd[1]");
  expect(await shell("ls /run/restarted")).toBe("/run/restarted");
  expect(JSON.parse(await shell("cat /k3os/system/trial.json"))).toMatchObject({ state: "failed" });
});

test("without a record of what succeeded before, as coming from the original, they are kept", async () => {
  await shell(`rm ${RECORD}`);
  await startTrial();
  const { code, stderr } = await k3os("health", "--judge", "--deadline", "0");
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringContaining("healthy, and kept from now on"),
  });
  expect(await shell("ls /k3os/system/trial.json 2>/dev/null || echo gone")).toBe("gone");
  expect(await shell(`test -s ${RECORD} && echo kept`)).toBe("kept");
});
