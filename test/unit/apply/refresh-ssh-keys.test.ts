import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { refreshSeconds, sshKeysRefresh } from "../../../lib/apply/refresh-ssh-keys.ts";
import { REFRESH_SPAN } from "../../../lib/config/schema/forms.ts";
import { testHost } from "../../support/host.ts";
import { treeOf } from "../../support/tree.ts";

const MASK = "/etc/systemd/system/k3os-ssh-keys.timer";
const DROP_IN = `${MASK}.d/50-k3os-config.conf`;
const boot = sshKeysRefresh({ restart: false });
const runtime = sshKeysRefresh({ restart: true });

function config(sshKeysRefresh?: string, sshAuthorizedKeys: readonly string[] = ["github:me"]) {
  return { sshAuthorizedKeys, k3os: sshKeysRefresh === undefined ? {} : { sshKeysRefresh } };
}

type Host = ReturnType<typeof testHost>;

function state(host: Host): string {
  if (existsSync(host.root + MASK)) return "masked";
  return existsSync(host.root + DROP_IN) ? readFileSync(host.root + DROP_IN, "utf8") : "as it is";
}

function called(host: Host): string[] {
  return host.programs.map(({ argv }) => argv.slice(1).join(" "));
}

describe("ssh_keys_refresh", () => {
  test.each([undefined, "", "1d", "24h"])("leaves the timer of the image as it is for %p", async (span) => {
    using host = testHost();
    await runtime.apply(config(span), host);
    expect(Object.keys(treeOf(host.root))).toEqual([]);
    expect(called(host)).toEqual([]);
  });

  test("writes times that replace those of the image, and spreads them", async () => {
    using host = testHost();
    await boot.apply(config("12h"), host);
    expect(state(host)).toBe(
      "[Timer]\nOnActiveSec=\nOnActiveSec=43200\nOnUnitActiveSec=43200\nRandomizedDelaySec=3600\n",
    );
  });

  test.each(["0", "off", "0h"])("masks the timer for %p", async (span) => {
    using host = testHost();
    await boot.apply(config("12h"), host);
    await boot.apply(config(span), host);
    expect(Object.keys(treeOf(host.root))).toEqual([MASK]);
    expect(readFileSync(host.root + MASK, "utf8")).toBe("");
  });

  test.each([[[]], [["ssh-ed25519 AAAA a", "", "ftp://x"]]])(
    "masks the timer for the keys %p",
    async (keys) => {
      using host = testHost();
      await boot.apply(config("12h", keys), host);
      expect(state(host)).toBe("masked");
    },
  );

  test("tells systemd in the runtime phase, only of a change", async () => {
    using host = testHost();
    await boot.apply(config("12h"), host);
    await runtime.apply(config("12h"), host);
    expect(called(host)).toEqual([]);
    await runtime.apply(config("off"), host);
    expect(called(host)).toEqual(["daemon-reload", "stop k3os-ssh-keys.timer"]);
    const before = treeOf(host.root);
    await runtime.apply(config("off"), host);
    expect(treeOf(host.root)).toEqual(before);
    await runtime.apply(config(), host);
    expect(called(host).slice(2)).toEqual(["daemon-reload", "restart k3os-ssh-keys.timer"]);
    expect(state(host)).toBe("as it is");
  });

  test("changes nothing in a dry run", async () => {
    using host = testHost();
    await runtime.apply(config("off"), { ...host, dryRun: true });
    await runtime.apply(config("12h"), { ...host, dryRun: true });
    expect(host.logged).toEqual([`Would write "${MASK}"`, `Would write "${DROP_IN}"`]);
    expect(Object.keys(treeOf(host.root))).toEqual([]);
    expect(called(host)).toEqual([]);
  });

  test("leaves a unit alone that the user put in the timer's place", async () => {
    using host = testHost({ files: { [MASK]: "[Timer]\nOnCalendar=daily\n" } });
    await runtime.apply(config(), host);
    expect(readFileSync(host.root + MASK, "utf8")).toContain("OnCalendar");
    expect(called(host)).toEqual([]);
  });
});

describe("refreshSeconds()", () => {
  test.each([
    ["30m", 1800],
    ["90 minutes", 5400],
    ["12h", 43_200],
    ["1d 12h", 129_600],
    ["1d12hours", 129_600],
    ["2weeks", 1_209_600],
    ["0", 0],
    ["off", 0],
  ])("reads %p", (span, seconds) => {
    expect(new RegExp(REFRESH_SPAN.pattern).test(span)).toBe(true);
    expect(refreshSeconds(span)).toBe(seconds);
  });

  test.each(["3600", "10s", "daily", "-1h", "1h\nOnBootSec=1", "h", "1.5h", "1M", "1h,", "12 H"])(
    "is never asked for %p, which has not the form",
    (span) => {
      expect(new RegExp(REFRESH_SPAN.pattern).test(span)).toBe(false);
    },
  );
});
