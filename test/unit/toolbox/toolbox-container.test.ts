import { describe, expect, test } from "bun:test";
import { createToolbox, enterToolbox, removeToolbox } from "../../../lib/toolbox/toolbox-container.ts";
import type { RunResult } from "../../../lib/tools/host/host.ts";
import { testHost } from "../../support/host.ts";

const CTR = "ctr --namespace k3os ";

/** A node whose containerd has these containers, and whose toolbox is in this state. */
function node({ containers = "", status = "" }: { containers?: string; status?: string }) {
  const tasks = `TASK       PID     STATUS    \n${status === "" ? "" : `toolbox    4711    ${status}\n`}`;
  return testHost({
    answer: (argv): Partial<RunResult> => {
      if (argv.includes("containers") && argv.includes("list")) return { stdout: containers };
      if (argv.includes("tasks") && argv.includes("list")) return { stdout: tasks };
      return argv.includes("exec") ? { code: 7 } : {};
    },
  });
}

/** What was done, without what was only asked. */
function deeds(host: ReturnType<typeof node>): string[] {
  return host.programs
    .map(({ argv }) => argv.join(" ").replace(CTR, ""))
    .filter((line) => !/ list( --quiet)?$/.test(line));
}

describe("createToolbox()", () => {
  test("fetches the image, and starts a container that does not end by itself", async () => {
    using host = node({ containers: "toolbox-of-another\n" });
    await createToolbox("docker.io/library/debian:trixie", host);
    expect(deeds(host)).toEqual([
      "images pull docker.io/library/debian:trixie",
      "run --detach --privileged --net-host --mount type=bind,src=/,dst=/host,options=rbind:rw " +
        "docker.io/library/debian:trixie toolbox sleep infinity",
    ]);
  });

  test("refuses where there is one", async () => {
    using host = node({ containers: "toolbox\n" });
    expect(createToolbox("image", host)).rejects.toThrow("The toolbox already exists");
    expect(deeds(host)).toEqual([]);
  });
});

describe("enterToolbox()", () => {
  const visit = { shell: "bash", terminal: "xterm", id: "shell-1" };

  test("runs the shell on the terminal, and returns its status", async () => {
    using host = node({ containers: "toolbox\n", status: "RUNNING" });
    expect(await enterToolbox(visit, host)).toBe(7);
    expect(deeds(host)).toEqual(["tasks exec --tty --exec-id shell-1 toolbox env TERM=xterm bash"]);
  });

  test("asks for no terminal where there is none", async () => {
    using host = node({ containers: "toolbox\n", status: "RUNNING" });
    await enterToolbox({ ...visit, terminal: undefined }, host);
    expect(deeds(host)).toEqual(["tasks exec --exec-id shell-1 toolbox bash"]);
  });

  test.each([
    ["after a restart of the node", "", []],
    ["that has ended", "STOPPED", ["tasks delete --force toolbox"]],
  ] as const)("starts a container %s first", async (_, status, before) => {
    using host = node({ containers: "toolbox\n", status });
    await enterToolbox(visit, host);
    expect(deeds(host).slice(0, -1)).toEqual([...before, "tasks start --detach toolbox"]);
  });
});

describe("removeToolbox()", () => {
  test.each([
    ["a container that runs", "RUNNING", ["tasks delete --force toolbox", "containers delete toolbox"]],
    ["one that does not", "", ["containers delete toolbox"]],
  ] as const)("removes %s", async (_, status, wanted) => {
    using host = node({ containers: "toolbox\n", status });
    await removeToolbox(host);
    expect(deeds(host)).toEqual([...wanted]);
  });
});

test("without a toolbox there is nothing to enter or to remove", async () => {
  using host = node({ containers: "" });
  const visit = { shell: "sh", terminal: undefined, id: "a" };
  expect(enterToolbox(visit, host)).rejects.toThrow("The toolbox does not exist");
  expect(removeToolbox(host)).rejects.toThrow("The toolbox does not exist");
  expect(deeds(host)).toEqual([]);
});

test("without containerd, the error says who runs it", async () => {
  using host = testHost({ answer: () => ({ code: 1, stderr: "connection refused" }) });
  expect(removeToolbox(host)).rejects.toMatchObject({
    message: "Cannot ask containerd",
    hint: expect.stringContaining("k3s"),
  });
});
