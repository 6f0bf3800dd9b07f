import { expect, test } from "bun:test";
import { sysctlPath } from "../../../../lib/tools/node/sysctl-path.ts";

test.each([
  ["kernel.printk", "kernel/printk"],
  ["net.ipv4.conf.eth0/100.rp_filter", "net/ipv4/conf/eth0.100/rp_filter"],
  ["net/ipv4/conf/eth0.100/rp_filter", "net/ipv4/conf/eth0.100/rp_filter"],
])("sysctlPath(%p) is %p", (key, path) => {
  expect(sysctlPath(key)).toBe(path);
});

test.each([
  "",
  "kernel",
  "..",
  "../etc/passwd",
  "/etc/passwd",
  "kernel..x",
  "a/../../b",
  "kernel.a b",
  "kernel.*",
])("sysctlPath(%p) is refused", (key) => {
  expect(() => sysctlPath(key)).toThrow("expected a name such as");
});
