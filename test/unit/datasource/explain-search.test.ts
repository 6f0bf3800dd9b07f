import { expect, test } from "bun:test";
import type { Provider } from "../../../lib/datasource/data-source.ts";
import { explainSearch, formatExplanation } from "../../../lib/datasource/explain-search.ts";
import { OFFER } from "../../../lib/datasource/providers.ts";
import type { SourceReport } from "../../../lib/datasource/search.ts";
import { NO_PLATFORM } from "../../support/cloud.ts";

const [aws, azure] = OFFER.providers.filter(({ kind }) => kind === "network") as [Provider, Provider];
const PLATFORM = {
  ...NO_PLATFORM,
  dmi: { sys_vendor: "Amazon EC2\u001b[2J", product_serial: "serial-secret" },
  devices: [{ path: "/dev/sr0", label: "cidata", type: "iso9660" }],
};
const metadata = { userdata: Buffer.from("password: secret"), keys: ["ssh-ed25519 AAAA secret"] };
const REPORTS: readonly SourceReport[] = [
  {
    provider: aws,
    recognised: true,
    outcome: { kind: "answered", metadata },
    record: {
      asked: [
        { method: "GET", url: `http://169.254.169.254/${"long/".repeat(20)}`, status: 200, time: 12.4 },
        {
          method: "GET",
          url: "http://x/",
          status: undefined,
          time: 2000,
          problem: "the server did not answer",
        },
      ],
      ignored: [`keys: ${"much ".repeat(30)}`],
    },
    time: 340,
  },
  {
    provider: azure,
    recognised: false,
    outcome: { kind: "passed over", reason: "this machine belongs to aws" },
    record: { asked: [], ignored: [] },
    time: 0,
  },
];
const explanation = explainSearch(
  PLATFORM,
  { found: { provider: aws, metadata }, reports: REPORTS },
  undefined,
);

test("formatExplanation() says what was found, asked, taken and ignored, within 80 columns", () => {
  const text = formatExplanation(explanation);
  expect(text.split("\n").filter((line) => line.length > 80)).toEqual([]);
  expect(text).toContain('machine: sys_vendor "Amazon EC2?[2J"');
  expect(text).toContain('labels: /dev/sr0 "cidata"');
  expect(text).toContain("recognised: aws");
  expect(text).toContain("aws           0.3 s: user data (16 bytes), 1 key");
  expect(text).toContain("---   2000 ms\n    the server did not answer");
  expect(text).toContain("azure         not asked: this machine belongs to aws");
  expect(text).toContain("taken: aws");
});

test("explainSearch() tells no user data, no keys and no serial numbers", () => {
  expect(JSON.stringify(explanation) + formatExplanation(explanation)).not.toContain("secret");
});

test("explainSearch() says when an answer is that of an earlier boot", () => {
  const silent = { found: undefined, reports: [] };
  const text = formatExplanation(explainSearch(NO_PLATFORM, silent, { source: "aws" }));
  expect(text).toContain("taken: aws (kept from an earlier boot)");
});
