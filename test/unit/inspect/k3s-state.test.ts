import { describe, expect, test } from "bun:test";
import { describeState, readK3s } from "../../../lib/inspect/k3s-state.ts";
import { testHost } from "../../support/host.ts";
import { k3osNode } from "../../support/k3os-node.ts";

const REFUSED = `time="x" level=error msg="Failed to validate connection to cluster at https://s:6443: token CA hash does not match the Cluster CA certificate hash: a != b"\n`;

const AWAY = `time="x" level=info msg="Waiting to retrieve agent configuration; server is not ready: failed to retrieve configuration from server: Get \\"https://127.0.0.1:6444/v1-k3s/config\\": read tcp 127.0.0.1:1->127.0.0.1:6444: read: connection reset by peer"\n`;

/** A node whose service has these properties, and whose journal these lines. */
function nodeWith(properties: string, journal = "") {
  return k3osNode({ answer: ([name]) => ({ stdout: name === "journalctl" ? journal : properties }) });
}

describe("readK3s()", () => {
  test("is undefined where k3s is not configured", async () => {
    using host = testHost();
    expect(await readK3s(host)).toBeUndefined();
  });

  test("says since when it starts", async () => {
    using host = nodeWith("ActiveState=activating\nInactiveExitTimestamp=Mon\nActiveEnterTimestamp=\n");
    expect(await readK3s(host)).toEqual({
      role: "server",
      state: "activating",
      since: "Mon",
      trouble: undefined,
    });
  });

  test("finds out why an active agent does not join", async () => {
    using host = nodeWith("ActiveState=active\n", REFUSED);
    expect((await readK3s(host))?.trouble?.kind).toBe("token");
  });

  test("says how full the disk is, and which server is away", async () => {
    using full = nodeWith(
      "ActiveState=active\n",
      'time="x" level=error msg="failed to import images from /a.tar: write /b: no space left on device"\n',
    );
    expect((await readK3s(full))?.trouble?.message).toMatch(
      /^the disk is full: \S+ \wi?B of \S+ \wi?B free now$/,
    );
    using away = k3osNode({
      answer: ([name]) => ({ stdout: name === "journalctl" ? AWAY : "ActiveState=active\n" }),
      files: {
        "/etc/systemd/system/k3s-service.service":
          "X-K3OS-Server=https://s:6443\nExecStart=/sbin/k3s agent\n",
      },
    });
    expect((await readK3s(away))?.trouble?.message).toBe(
      "the server https://s:6443 cannot be reached: no connection",
    );
  });

  test("finds out that it ends again and again, and by what", async () => {
    const properties = "ActiveState=activating\nNRestarts=4\nExecMainStatus=1\nExecMainCode=1\n";
    using host = nodeWith(properties, 'time="x" level=fatal msg="Error: no"\n');
    expect((await readK3s(host))?.trouble?.message).toBe("k3s ended with status 1, 4 times: Error: no");
    using killed = nodeWith(properties.replace("Code=1", "Code=2").replace("Status=1", "Status=9"));
    expect((await readK3s(killed))?.trouble?.message).toBe("k3s ended with signal 9, 4 times");
  });

  test("does not fail without a service manager", async () => {
    using host = k3osNode({ answer: () => ({ code: 1 }) });
    expect(await readK3s(host)).toMatchObject({ role: "server", state: undefined });
  });
});

describe("describeState()", () => {
  test("is that of the service manager, but for one that starts", () => {
    expect(describeState({ state: "active", since: "Mon" })).toBe("active");
    expect(describeState({ state: "activating", since: "Mon" })).toBe("starting since Mon");
    expect(describeState({ state: undefined, since: undefined })).toBe("unknown");
  });
});
