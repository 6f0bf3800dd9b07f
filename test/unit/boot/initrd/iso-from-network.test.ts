import { describe, expect, test } from "bun:test";
import { networkIso, parseMeminfo } from "../../../../lib/boot/initrd/iso-from-network.ts";

describe("networkIso()", () => {
  test("reads the URL, and whom to trust", () => {
    const found = networkIso(
      "k3os.mode=live k3os.install.iso_url=https://example.com/k3os-amd64.iso k3os.install.key=RWQ1 k3os.install.insecure_skip_verify",
    );
    expect(found?.url).toBe("https://example.com/k3os-amd64.iso");
    expect(found?.settings.install).toMatchObject({ releaseKeys: ["RWQ1"], insecureSkipVerify: true });
  });

  test.each(["http://10.0.2.2:8000/x.iso", "HTTP://10.0.2.2/x.iso"])("takes %s", (url) => {
    expect(networkIso(`k3os.install.isoUrl=${url}`)?.url).toBe(url);
  });

  test.each([
    "quiet",
    "k3os.install.iso_url=",
    "k3os.install.iso_url=/dev/sr1",
    "k3os.install.iso_url=tftp://h/x",
  ])("takes none for %j", (cmdline) => {
    expect(networkIso(cmdline)).toBeUndefined();
  });
});

test("parseMeminfo() tells bytes", () => {
  const text = "MemTotal:        2014284 kB\nMemFree:         1500000 kB\nMemAvailable:    1600000 kB\n";
  expect(parseMeminfo(text)).toEqual({ total: 2_014_284 * 1024, available: 1_600_000 * 1024 });
});
