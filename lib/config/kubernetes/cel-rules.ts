import { AUTO, DATA_SOURCES } from "../schema/data-source-names.ts";
import type { StructField, TextField } from "../schema/field.ts";
import {
  absolutePathFlaw,
  dataSourceFlaw,
  endpointFlaw,
  labelNameFlaw,
  moduleFlaw,
  NODE_LABELS,
  nameServerFlaw,
  networkNameFlaw,
  pathFlaw,
  registryFlaw,
  serverUrlFlaw,
  sshKeyFlaw,
  sysctlFlaw,
  timeServerFlaw,
} from "../schema/flaws.ts";

/** A rule of the API server: https://kubernetes.io/docs/reference/using-api/cel/ */
export interface CelRule {
  /** An expression in CEL about `self`, which is a string that is not empty, the key of a map, or a map. */
  readonly expression: string;
  readonly message: string;
}

const quotedList = (words: readonly string[]) => `[${words.map((word) => `'${word}'`).join(",")}]`;

/**
 * What CEL can say of each check of the schema. It never refuses what the check accepts. The node checks the rest: that a
 * time zone exists, a key is whole, base64 can be decoded, and whether settings get along.
 */
const RULES = new Map<TextField["judge"] | StructField["judge"], CelRule>([
  [pathFlaw, { expression: "!self.endsWith('/')", message: "expected the path of a file" }],
  [
    moduleFlaw,
    {
      expression: String.raw`self.matches(r'^\s*[A-Za-z0-9_][\w.:*-]*(\s.*)?$')`,
      message: 'expected a module name of letters, digits, "_" and "-", and its parameters after a space',
    },
  ],
  [
    sysctlFlaw,
    {
      expression: String.raw`self.matches(r'^\s*[^\s=*?\[\]./]+([./]+[^\s=*?\[\]./]+)+\s*$')`,
      message: 'expected the name of a kernel setting such as "kernel.printk"',
    },
  ],
  [
    nameServerFlaw,
    { expression: "isIP(self.trim().split('%')[0])", message: "expected the address of a name server" },
  ],
  [
    timeServerFlaw,
    {
      expression: String.raw`!self.trim().matches(r'[\s,]')`,
      message: "expected the name or address of one server",
    },
  ],
  [
    dataSourceFlaw,
    {
      expression: String.raw`self.trim().lowerAscii() in ${quotedList([...DATA_SOURCES, AUTO])} || self.trim().matches(r'^file=[\w./:@+-]+$')`,
      message: `expected one of ${[...DATA_SOURCES, AUTO].join(", ")} or file=PATH`,
    },
  ],
  [networkNameFlaw, { expression: "bytes(self).size() <= 32", message: "expected 1 to 32 bytes" }],
  [
    serverUrlFlaw,
    {
      expression: String.raw`self.trim().matches(r'^(?i)https://[^\s/]\S*$')`,
      message: "expected an https URL such as https://server.example.com:6443",
    },
  ],
  [
    labelNameFlaw,
    {
      expression: String.raw`!self.matches(r'^([^/]*\.)?(kubernetes|k8s)\.io/') || self.matches(r'^([^/]*\.)?(kubelet|node)\.kubernetes\.io/') || self in ${quotedList(NODE_LABELS)}`,
      message: "no node may give itself labels below kubernetes.io and k8s.io",
    },
  ],
  [
    sshKeyFlaw,
    {
      expression: String.raw`self.matches(r'^\s*(#|(?i:github|gitlab|codeberg|launchpad|https?):\S+\s*$)|(ssh|ecdsa)-\S+\s+[\w+/]')`,
      message:
        'expected a public key such as "ssh-ed25519 AAAA… name", an account such as "github:USER", or a URL',
    },
  ],
  [
    endpointFlaw,
    {
      expression: String.raw`self.matches(r'^(?i)(https?://[^\s/@?#]+([/?#]\S*)?|[^\s/@?#]+(/([^/\s]\S*)?)?)$')`,
      message:
        "expected the address of a registry, without a user, such as https://registry.example.com:5000",
    },
  ],
  [
    absolutePathFlaw,
    {
      expression: "self.startsWith('/') && !self.endsWith('/')",
      message: "expected the absolute path of a file",
    },
  ],
  [
    registryFlaw,
    {
      expression: "!has(self.tls) || has(self.tls.cert_file) == has(self.tls.key_file)",
      message: "found only one of tls.cert_file and tls.key_file, expected both",
    },
  ],
]);

/** What CEL can say of a check; undefined if nothing. */
export function celRule(judge: TextField["judge"] | StructField["judge"]): CelRule | undefined {
  return judge === undefined ? undefined : RULES.get(judge);
}
