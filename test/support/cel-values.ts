/**
 * Values that the reader of the configuration and the rules of the API server must judge alike. `path` leads to a string
 * in the configuration: `[]` is a list with it, `{}` a map with it as its key.
 */
export interface CelValue {
  readonly path: string;
  readonly text: string;
  readonly valid: boolean;
}

const value = (valid: boolean, path: string, ...texts: readonly string[]): readonly CelValue[] =>
  texts.map((text) => ({ path, text, valid }));

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExamples me@example.com";

export const CEL_VALUES: readonly CelValue[] = [
  ...value(true, "write_files.[].path", "/etc/a", "a"),
  ...value(false, "write_files.[].path", "/etc/"),
  ...value(true, "k3os.modules.[]", "kvm", "bonding mode=active-backup", " nvme", ""),
  ...value(false, "k3os.modules.[]", "-a", "a;b"),
  ...value(
    true,
    "k3os.sysctls.{}",
    "kernel.printk",
    "net.ipv4.conf.eth0/100.rp_filter",
    "net/ipv4/ip_forward",
  ),
  ...value(false, "k3os.sysctls.{}", "printk", "kernel.", "a b.c"),
  ...value(true, "k3os.dns_nameservers.[]", "8.8.8.8", "2001:4860::8888", " 1.1.1.1", "fe80::1%eth0", ""),
  ...value(false, "k3os.dns_nameservers.[]", "dns.example.com", "8.8.8"),
  ...value(true, "k3os.ntp_servers.[]", "0.pool.ntp.org", " a "),
  ...value(false, "k3os.ntp_servers.[]", "a b", "a,b"),
  ...value(true, "k3os.data_sources.[]", "aws", "AUTO", "file=/a/b.yaml"),
  ...value(false, "k3os.data_sources.[]", "awz", "file=", "file=/a b"),
  ...value(true, "k3os.wifi.[].name", "home", "0123456789abcdef0123456789abcdef"),
  ...value(false, "k3os.wifi.[].name", "0123456789abcdef0123456789abcdefg", "ü".repeat(17)),
  ...value(true, "k3os.server_url", "https://a:6443", "HTTPS://a", ""),
  ...value(false, "k3os.server_url", "http://a", "a:6443", "https://"),
  ...value(true, "k3os.labels.{}", "region", "example.com/rack", "node.kubernetes.io/x", "kubernetes.io/os"),
  ...value(false, "k3os.labels.{}", "node-role.kubernetes.io/worker", "x.k8s.io/a", "a b"),
  ...value(
    true,
    "ssh_authorized_keys.[]",
    KEY,
    `restrict ${KEY}`,
    "github:me",
    "https://example.com/keys",
    "# none",
  ),
  ...value(
    false,
    "ssh_authorized_keys.[]",
    "githup:me",
    "me",
    "ftp://a/b",
    "-----BEGIN OPENSSH PRIVATE KEY-----",
  ),
  ...value(true, "k3os.registries.mirrors.docker.endpoint.[]", "https://a:5000", "a:5000", "http://a/b"),
  ...value(false, "k3os.registries.mirrors.docker.endpoint.[]", "ftp://a", "https://u:p@a", "https://"),
  ...value(true, "k3os.registries.configs.a.tls.ca_file", "/a.pem", ""),
  ...value(false, "k3os.registries.configs.a.tls.ca_file", "a.pem", "/a/"),
  ...value(false, "k3os.registries.configs.a.tls.cert_file", "/a.pem"),
  ...value(true, "k3os.timezone", "Europe/Berlin", ""),
  ...value(false, "k3os.timezone", "europe/berlin"),
  ...value(true, "k3os.taints.[]", "a=b:NoSchedule", "a:NoExecute,b:NoSchedule"),
  ...value(false, "k3os.taints.[]", "a=b", "a=b:Never"),
  ...value(true, "k3os.ssh_keys_refresh", "12h", "off", "1d 12h"),
  ...value(false, "k3os.ssh_keys_refresh", "often", "12"),
  ...value(true, "k3os.environment.{}", "HTTP_PROXY"),
  ...value(false, "k3os.environment.{}", "HTTP-PROXY", "1A"),
  ...value(true, "k3os.k3s_args.[]", "server", "--token-file=/a"),
  ...value(false, "k3os.k3s_args.[]", "a\nb"),
  ...value(true, "run_cmd.[]", "a\nb"),
];

/** A configuration with that value. */
export function configWith({ path, text }: CelValue): object {
  return path.split(".").reduceRight<unknown>((below, key) => {
    if (key === "[]") return [below];
    return key === "{}" ? { [below as string]: "1" } : { [key]: below };
  }, text) as object;
}
