import { describe, expect, test } from "bun:test";
import { parseBytes } from "../../../../lib/config/read/parse.ts";
import { SCHEMA } from "../../../../lib/config/schema/schema.ts";
import { masked, redactKernelWords, secretTexts } from "../../../../lib/config/write/private.ts";

describe("masked()", () => {
  const config = {
    hostname: "node",
    runCmd: ["echo hi"],
    writeFiles: [{ path: "/a", content: "x" }],
    k3os: { token: "t", environment: { A: "b" }, serverUrl: "https://me:x@host" },
  };

  test("hides secrets from whoever looks at the machine", () => {
    expect(masked(SCHEMA, config, "here")).toEqual({
      ...config,
      writeFiles: [{ path: "/a", content: "(secret)" }],
      k3os: { ...config.k3os, token: "(secret)" },
    });
  });

  test("hides from others what is private, too", () => {
    expect(masked(SCHEMA, config, "elsewhere")).toEqual({
      hostname: "node",
      runCmd: ["(secret)"],
      writeFiles: [{ path: "/a", content: "(secret)" }],
      k3os: { token: "(secret)", environment: { A: "(secret)" }, serverUrl: "https://***@host" },
    });
  });
});

test("masked() hides the values of secret options in a map, and passwords below others", () => {
  const config = {
    k3os: {
      k3sConfig: {
        "agent-token": ["-one two", "three"],
        "token+": ["x"],
        "tls-san": ["a.example"],
        "datastore-endpoint": ["mysql://me:pw@tcp(host)/db"],
      },
      registries: { configs: { "a:5000": { auth: { username: "me", password: "pw", identityToken: "t" } } } },
    },
  };
  expect(masked(SCHEMA, config, "here")).toEqual({
    k3os: {
      k3sConfig: {
        "agent-token": ["(secret)", "(secret)"],
        "token+": ["(secret)"],
        "tls-san": ["a.example"],
        "datastore-endpoint": ["mysql://***@tcp(host)/db"],
      },
      registries: {
        configs: {
          "a:5000": { auth: { username: "me", password: "(secret)", identityToken: "(secret)" } },
        },
      },
    },
  });
});

describe("redactKernelWords()", () => {
  test.each([
    ["quiet k3os.token=T k3os.mode=live", "quiet k3os.token=(secret) k3os.mode=live"],
    ["k3os.TOKEN=T", "k3os.TOKEN=(secret)"],
    ['k3os.token="a b" x', "k3os.token=(secret) x"],
    ['"k3os.token=a b" x', '"k3os.token=(secret)" x'],
    ['k3os.token="a b c', "k3os.token=(secret)"],
    [
      "k3os.environment[A]=b k3os.environment.C=d",
      "k3os.environment[A]=(secret) k3os.environment.C=(secret)",
    ],
    ["k3os.tokne=T", "k3os.tokne=(secret)"],
    ["k3os.k3s_config[agent-token]=a", "k3os.k3s_config[agent-token]=(secret)"],
    ['run_cmd="echo a"', "run_cmd=(secret)"],
    ["Command line: k3os.password=p", "Command line: k3os.password=(secret)"],
  ])("%s", (text, expected) => {
    expect(redactKernelWords(text)).toBe(expected);
  });

  test.each([
    "console=ttyS0,115200 root=UUID=1 ro",
    "hostname=a k3os.server_url=https://a:6443 k3os.labels.region=west",
    "k3os.boot=trial k3os.debug",
    "x.y=z token=T", // for redactText()
  ])("leaves %s alone", (text) => {
    expect(redactKernelWords(text)).toBe(text);
  });
});

test("secretTexts() finds what is hidden, whole and in parts", () => {
  const text = `k3os:
  token: tok1
  environment: {A: 10.0.0.0/8, B: "true", C: something}
  k3s_args: [agent, --token, argument1, "--datastore-endpoint=https://u:pw12@host/"]
  k3s_config: {agent-token: option1, tls-san: names-are-public, etcd-arg: [/not/this/path1]}
  registries: {configs: {h: {auth: {username: me, password: pass1word}}}}
write_files:
- {path: /not/this/path1, content: "first line of it\\nx\\nkey made-up-1234 end\\n"}
- {path: /b, encoding: b64, content: ${Buffer.from("decoded text").toString("base64")}}
`;
  const { texts, words } = secretTexts([parseBytes(Buffer.from(text), "a.yaml")]);
  for (const found of [
    "tok1",
    "something",
    "argument1",
    "option1",
    "pass1word",
    "pw12",
    "first line of it",
    "decoded text",
  ]) {
    expect(texts).toContain(found);
  }
  expect(
    texts.filter((found) =>
      ["10.0.0.0/8", "true", "x", "agent", "names-are-public", "/not/this/path1"].includes(found),
    ),
  ).toEqual([]);
  expect([...words]).toContain("made-up-1234");
});
