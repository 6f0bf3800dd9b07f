import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor, waitForObject, waitUntilReady } from "../../../../lib/make/vm/cluster-node.ts";

/** Stands for ssh: runs the command here, where sudo, systemctl and kubectl say what they were called with. */
const SSH = `#!/bin/sh
for command; do :; done
exec sh -c "$command"
`;
const SAYS = `#!/bin/sh
echo "\${0##*/} $*" >>"$CALLS"
[ "\${0##*/}" = sudo ] && exec "$@"
case "\${0##*/} $*" in *"$FAILS"*) exit 1 ;; esac
[ "\${0##*/}" != journalctl ] || echo "the end of the journal"
`;

const before = { ...process.env };
let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "k3os-cluster-node-"));
  for (const name of ["ssh", "sudo", "systemctl", "kubectl", "journalctl"]) {
    writeFileSync(join(scratch, name), name === "ssh" ? SSH : SAYS);
    chmodSync(join(scratch, name), 0o755);
  }
  process.env.PATH = `${scratch}:${before.PATH}`;
  process.env.CALLS = join(scratch, "calls");
  process.env.FAILS = "nothing";
});

afterAll(() => {
  process.env.PATH = before.PATH;
  delete process.env.CALLS;
  delete process.env.FAILS;
  rmSync(scratch, { recursive: true });
});

const node = { port: 1, key: { file: "/no/key", publicKey: "" } };

function calls(): string[] {
  return readFileSync(join(scratch, "calls"), "utf8")
    .split("\n")
    .filter((line) => /^(kubectl|systemctl) /.test(line));
}

describe("waitFor()", () => {
  test("returns what the command prints when it succeeds", async () => {
    const command = `{ echo tried >>${scratch}/tries; [ $(wc -l <${scratch}/tries) -ge 2 ] && echo "it's done"; }`;
    expect(await waitFor(node, command, { timeout: 10_000 })).toBe("it's done");
  });

  test("throws with the last output and the end of k3s's journal", async () => {
    const error = await waitFor(node, "{ echo not yet; false; }", { timeout: 1000 }).catch(String);
    expect(error).toMatch(/Not within 1 s: .*\nnot yet\n\nEnd of k3s's journal:\nthe end of the journal/s);
  });
});

test("waitUntilReady() asks the API only when k3s runs", async () => {
  rmSync(join(scratch, "calls"), { force: true });
  await waitUntilReady(node, "a-node", { timeout: 5000 });
  expect(calls()).toEqual([
    "systemctl is-active --quiet k3s-service.service",
    "kubectl wait --for=create node/a-node --timeout=100s",
    "kubectl wait --for=condition=Ready node/a-node --timeout=100s",
  ]);
});

test("waitForObject() throws with what the object is like", async () => {
  process.env.FAILS = "kubectl wait";
  const options = { condition: "condition=Ready", timeout: 1000 };
  await expect(waitForObject(node, "pod/a", options)).rejects.toThrow("No condition=Ready of pod/a");
  expect(calls().at(-1)).toBe("kubectl describe pod/a");
});
