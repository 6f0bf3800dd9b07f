import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { showAddresses } from "../../../lib/apply/show-addresses.ts";
import { testHost } from "../../support/host.ts";

const IMAGE = "a logo\n\nWelcome\n";

test("showAddresses() writes the addresses below the image's text, and refreshes the prompts once", async () => {
  using host = testHost({
    files: { "/usr/etc/issue": IMAGE, "/etc/issue": IMAGE },
    answer: (argv) => ({
      stdout: argv[0] === "ip" ? '[{"ifname":"eth0","operstate":"UP","addr_info":[]}]' : "",
    }),
  });
  await showAddresses({}, host);
  await showAddresses({}, host);
  expect(readFileSync(`${host.root}/etc/issue`, "utf8")).toContain("eth0");
  expect(host.programs.map(({ argv }) => argv.join(" "))).toEqual([
    "ip -json address",
    "agetty --reload",
    "ip -json address",
  ]);
});

test("showAddresses() does nothing in a root without the image's text", async () => {
  using host = testHost({ files: { "/etc/issue": "mine\n" } });
  await showAddresses({}, host);
  expect(host.programs).toEqual([]);
});
