import { describe, expect, test } from "bun:test";
import {
  HIDDEN,
  redactArguments,
  redactJson,
  redactText,
  secretWords,
} from "../../../../lib/tools/text/redact.ts";

describe("redactText()", () => {
  test.each([
    ["https://me:hunter@host/x", "https://***@host/x"],
    ["mysql://u:hunter2@tcp(db:3306)/k3s", "mysql://***@tcp(db:3306)/k3s"],
    ["GET https://host/x?sig=hunter&a=b HTTP/1.1", "GET https://host/x?… HTTP/1.1"],
    ["k3s agent --token hunter --node-label a=b", `k3s agent --token ${HIDDEN} --node-label a=b`],
    ["k3s agent --token=hunter", `k3s agent --token=${HIDDEN}`],
    ["--etcd-s3-secret-key 'hun ter' x", `--etcd-s3-secret-key '${HIDDEN}' x`],
    ["--vpn-auth=name=tailscale,joinKey=hunter", `--vpn-auth=${HIDDEN}`],
    ['K3S_TOKEN="hunter 2"', `K3S_TOKEN="${HIDDEN}"`],
    ["PGPASSWORD=hunter psql", `PGPASSWORD=${HIDDEN} psql`],
    ['{"password": "hun\\"ter", "a": 1}', `{"password": "${HIDDEN}", "a": 1}`],
    ["passphrase: hunter", `passphrase: ${HIDDEN}`],
    ["Authorization: Bearer abc.hunter", `Authorization: Bearer ${HIDDEN}`],
    ["token K10abcdef0123::server:hunter", `token ${HIDDEN}`],
    ["rancher:$6$salt$hunterhunter:1", `rancher:${HIDDEN}:1`],
    [
      "-----BEGIN EC PRIVATE KEY-----\nhunter\n-----END EC PRIVATE KEY-----",
      `-----BEGIN EC PRIVATE KEY-----${HIDDEN}-----END EC PRIVATE KEY-----`,
    ],
    ["-----BEGIN PRIVATE KEY-----\nhunter\ncut off", `-----BEGIN PRIVATE KEY-----${HIDDEN}`],
    ["/a.yaml:2:1: Unexpected scalar hunter: expected YAML", "/a.yaml:2:1: …: expected YAML"],
  ])("takes the secret out of %j", (text, expected) => {
    expect(redactText(text)).toBe(expected);
  });

  test.each([
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample me@example.com",
    "ssh_authorized_keys: github:me",
    "--secrets-encryption --disable traefik",
    "https://host:6443/healthz",
    "2030-01-01T00:00:00Z [1.20] Mounted /dev/vda1 (K3OS_STATE)",
    "key1=value1:NoSchedule region=west",
  ])("leaves %j alone", (text) => {
    expect(redactText(text)).toBe(text);
  });

  test("takes known secrets out: texts anywhere, the longest first, and words by themselves", () => {
    const texts = ["hunter2", "hunter22"];
    expect(redactText("hunter22 xhunter2 hunter", { texts, words: new Set() })).toBe(
      `${HIDDEN} x${HIDDEN} hunter`,
    );
    const words = new Set(secretWords("curl -u me:hunter-42-x example.com"));
    expect([...words]).toEqual(["hunter-42-x"]);
    expect(redactText("as=hunter-42-x not-hunter-42-x", { texts: [], words })).toBe(
      `as=${HIDDEN} not-hunter-42-x`,
    );
  });

  test("takes its time with the length of a text, whatever that is made of", () => {
    for (const part of ["x", "a.b-", "token", "a://", "k3os.x=", "-----BEGIN PRIVATE KEY-----"]) {
      expect(redactText(part.repeat(300_000 / part.length))).toBeString();
    }
  });
});

test("redactArguments() knows values that follow their flag", () => {
  expect(
    redactArguments(["server", "--token", "hunter", "--agent-token=h", "--secrets-encryption", "--x"]),
  ).toEqual([...["server", "--token", HIDDEN, `--agent-token=${HIDDEN}`, "--secrets-encryption", "--x"]]);
});

test("redactJson() reaches every text", () => {
  const value = { a: ["token=x", 1, null, true], b: { c: "plain" } };
  expect(redactJson(value, redactText)).toEqual({ a: [`token=${HIDDEN}`, 1, null, true], b: { c: "plain" } });
});
