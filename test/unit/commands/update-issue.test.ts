import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { updateIssue } from "../../../commands/update-issue.ts";
import { parseCommandLine } from "../../../lib/tools/cli/cli.ts";
import { testHost } from "../../support/host.ts";

const IMAGE = "a logo\n\nWelcome\n";
const CONFIG = "/var/lib/rancher/k3os/config.yaml";

async function issueAfter(files: Readonly<Record<string, string>>): Promise<string> {
  using host = testHost({ files: { "/usr/etc/issue": IMAGE, ...files }, answer: () => ({ stdout: "[]" }) });
  expect(await updateIssue.run(parseCommandLine(updateIssue, [], {}), host)).toBe(0);
  return readFileSync(`${host.root}/etc/issue`, "utf8");
}

test("k3os update-issue shows the addresses in the image's file", async () => {
  expect(await issueAfter({ "/etc/issue": IMAGE })).toContain("NIC");
});

test("k3os update-issue leaves a file that is not the image's", async () => {
  expect(await issueAfter({ "/etc/issue": "mine\n" })).toBe("mine\n");
});

test("k3os update-issue leaves a file that write_files writes, whatever is in it", async () => {
  const config = JSON.stringify({ write_files: [{ path: "/etc/issue", content: IMAGE }] });
  expect(await issueAfter({ "/etc/issue": IMAGE, [CONFIG]: config })).toBe(IMAGE);
});
