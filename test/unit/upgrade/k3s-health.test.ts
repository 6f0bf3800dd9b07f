import { describe, expect, test } from "bun:test";
import { k3sFault, stillStarts } from "../../../lib/upgrade/k3s-health.ts";
import { testHost } from "../../support/host.ts";

const UNIT_FILE = "/etc/systemd/system/k3s-service.service";
const EXIT = JSON.stringify({ EXIT_CODE: "exited", EXIT_STATUS: "1" });

interface Journal {
  readonly exit?: string;
  readonly line?: string;
}

/** What is said of a unit, with what the journal has of its end, and of its last words. */
async function faultOf(
  unit: Readonly<Record<string, string>>,
  { exit = "", line = "" }: Journal,
  thoroughness: "brief" | "whole" = "whole",
): Promise<[string | undefined, number]> {
  const answer = (argv: readonly string[]) => {
    return { stdout: argv.some((word) => word.startsWith("MESSAGE_ID=")) ? exit : line };
  };
  using host = testHost({ files: { [UNIT_FILE]: "[Service]\nExecStart=/sbin/k3s server\n" }, answer });
  const fault = await k3sFault(new Map(Object.entries(unit)), host, thoroughness);
  return [fault, host.programs.length];
}

const due = (restarts: number) => {
  return { ActiveState: "activating", SubState: "auto-restart", NRestarts: String(restarts) };
};

describe("k3sFault() of a k3s that ended by itself", () => {
  test("says how, how often, and with which last line", async () => {
    const [fault] = await faultOf(due(37), { exit: EXIT, line: 'level=fatal msg="no such option"\n' });
    expect(fault).toBe(
      'k3s ended with status 1, 38 times; its last line: "level=fatal msg=\\"no such option\\""',
    );
  });

  test.each([
    [{ exit: JSON.stringify({ EXIT_CODE: "killed", EXIT_STATUS: "9" }) }, "k3s was ended by SIGKILL"],
    [{ exit: EXIT, line: "bye\n" }, 'k3s ended with status 1; its last line: "bye"'],
    [{ exit: "" }, "k3s ended"],
    [{ exit: "", line: "bye\n" }, 'k3s ended; its last line: "bye"'],
  ])("says what the journal has: %j", async (journal, wanted) => {
    expect((await faultOf(due(0), journal))[0]).toBe(wanted);
  });

  test("starts no program to say so while there is time left", async () => {
    expect(await faultOf(due(3), { exit: EXIT }, "brief")).toEqual(["k3s-service.service is activating", 0]);
  });

  test("says it of one that runs again, too", async () => {
    const unit = { ActiveState: "active", NRestarts: "2" };
    expect((await faultOf(unit, { exit: EXIT }))[0]).toBe(
      "k3s ended with status 1, 2 times; now the server is not ready: it has not written its kubeconfig yet",
    );
  });
});

test("k3sFault() has nothing to say where no k3s is configured", async () => {
  using host = testHost();
  expect(await k3sFault(new Map(), host, "whole")).toBeUndefined();
});

test.each([
  [{ ActiveState: "activating", SubState: "start", NRestarts: "0" }, true],
  [{ ActiveState: "active", SubState: "running", NRestarts: "0" }, true],
  [{ ActiveState: "activating", SubState: "start", NRestarts: "1" }, false],
  [{ ActiveState: "activating", SubState: "auto-restart", NRestarts: "0" }, false],
  [{ ActiveState: "failed", SubState: "failed", NRestarts: "0" }, false],
  [{ ActiveState: "inactive", SubState: "dead", NRestarts: "0" }, false],
])("stillStarts() of %j is %p", (unit, wanted) => {
  expect(stillStarts(new Map(Object.entries(unit)))).toBe(wanted);
});
