import { expect, test } from "bun:test";
import { describeConfig } from "../../../../lib/install/interview/summary.ts";

test("describeConfig() shows settings as YAML, and nothing secret", () => {
  const content = `
hostname: n1
ssh_authorized_keys: ["https://me:word@example.com/keys"]
writeFiles: [{path: /etc/a, content: hidden1}]
k3os:
  password: $6$hidden2
  token: hidden3
  wifi: [{name: home, passphrase: hidden44}, {name: open}]
  environment: {http_proxy: "http://me:word@proxy:3128"}
  install: {device: /dev/vda}
`;
  expect(describeConfig(content)).toBe(`Configuration of the installed system:

hostname: n1
k3os:
  environment:
    http_proxy: http://***@proxy:3128
  password: "(secret)"
  token: "(secret)"
  wifi:
  - name: home
    passphrase: "(secret)"
  - name: open
ssh_authorized_keys:
- https://***@example.com/keys
write_files:
- content: "(secret)"
  path: /etc/a
`);
});

test.each([undefined, "# nothing\n"])("describeConfig() says that there is nothing in %p", (content) => {
  expect(describeConfig(content)).toBe("The installed system has no configuration.\n");
});
