import { expect, test } from "bun:test";
import { needsRoute, proxyFor } from "../../../../lib/tools/http/http-proxy.ts";

const PROXY = "http://proxy.example:3128";

function isProxied(url: string, noProxy: string): boolean {
  return proxyFor(new URL(url), { http_proxy: PROXY, https_proxy: PROXY, no_proxy: noProxy }) !== undefined;
}

test("proxyFor() takes the variable of the scheme, in either case", () => {
  const env = { HTTP_PROXY: "http://a:1", https_proxy: "http://b:2" };
  expect(proxyFor(new URL("http://x/"), env)).toBe("http://a:1");
  expect(proxyFor(new URL("https://x/"), env)).toBe("http://b:2");
  expect(proxyFor(new URL("https://x/"), { HTTP_PROXY: "http://a:1" })).toBeUndefined();
  expect(proxyFor(new URL("http://x/"), { http_proxy: "" })).toBeUndefined();
});

test("proxyFor() reads a proxy without a scheme as http", () => {
  expect(proxyFor(new URL("http://x/"), { http_proxy: "proxy:3128" })).toBe("http://proxy:3128");
});

test.each([
  "http://localhost/",
  "http://127.0.0.53:8080/",
  "http://[::1]/",
  "http://169.254.169.254/latest/api/token",
  "http://[fe80::1]/",
])("proxyFor() goes to %s directly", (url) => {
  expect(isProxied(url, "")).toBe(false);
});

test.each([
  ["http://example.com/", "*", false],
  ["http://example.com/", "example.com", false],
  ["http://EXAMPLE.com/", " Example.COM ", false],
  ["http://a.example.com/", "example.com", false],
  ["http://a.example.com/", ".example.com", false],
  ["http://a.example.com/", "*.example.com", false],
  ["http://notexample.com/", "example.com", true],
  ["http://example.com/", "other,example.com", false],
  ["http://example.com:81/", "example.com:80", true],
  ["http://example.com:80/", "example.com:80", false],
  ["https://example.com/", "example.com:443", false],
  ["http://10.1.2.3/", "10.0.0.0/8", false],
  ["http://11.1.2.3/", "10.0.0.0/8", true],
  ["http://10.1.2.3/", "10.1.2.3", false],
  ["http://110.1.2.3/", "10.1.2.3", true],
  ["http://[fd00::5]/", "fd00::/8", false],
  ["http://[fd00::5]/", "[fd00::5]:80", false],
  ["http://[fd00::5]/", "fd00::5", false],
  ["http://example.com/", "10.0.0.0/8,junk/99,/,:", true],
] as const)("proxyFor() for %s with NO_PROXY=%s", (url, noProxy, proxied) => {
  expect(isProxied(url, noProxy)).toBe(proxied);
});

test.each([
  ["http://127.0.0.1/", false],
  ["http://[::1]:8080/", false],
  ["http://169.254.169.254/latest", false],
  ["https://github.com/me.keys", true],
  ["http://10.0.2.2:80/", true],
] as const)("needsRoute() of %s", (url, expected) => {
  expect(needsRoute(new URL(url))).toBe(expected);
});
