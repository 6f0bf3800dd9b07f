import { EVERY_PHASE, list, map, mapOf, type Phase, struct, text, type ValueOf } from "./field.ts";
import {
  dataSourceFlaw,
  fileFlaw,
  labelNameFlaw,
  moduleFlaw,
  nameServerFlaw,
  networkNameFlaw,
  passphraseFlaw,
  pathFlaw,
  serverUrlFlaw,
  sshKeyFlaw,
  sysctlFlaw,
  timeServerFlaw,
  timeZoneFlaw,
  tokenFlaw,
} from "./flaws.ts";
import {
  ENCODING,
  ENVIRONMENT_NAME,
  HOSTNAME,
  K3S_OPTION,
  LABEL_NAME,
  LABEL_VALUE,
  OCTAL_MODE,
  OWNER,
  REFRESH_SPAN,
  TAINT,
  TIME_ZONE,
} from "./forms.ts";
import { INSTALLER_KEYS } from "./installer-settings.ts";
import { REGISTRIES } from "./registries.ts";

const BOOT_AND_RUNTIME: readonly Phase[] = ["boot", "runtime"];

const INSTALL = struct(INSTALLER_KEYS, {
  phases: ["install"],
  change: "install",
  description:
    "What the installer does. Only the installer reads it, and it is left out of the installed configuration.",
});

const K3OS = struct(
  {
    dataSources: list(text({ judge: dataSourceFlaw }), {
      phases: ["boot"],
      change: "reboot",
      description:
        "Data sources for the host name, SSH keys and user data, in order: `aws`, `gcp`, `hetzner`, `openstack`, `scaleway`, `vultr`, `digitalocean`, `packet`, `cdrom`, … The first one with user data wins.",
      example: ["openstack", "cdrom"],
    }),
    modules: list(text({ judge: moduleFlaw }), {
      phases: EVERY_PHASE,
      change: "live",
      description:
        "Kernel modules to load, each with its parameters after a space. Modules on the kernel command line are loaded before the disk is mounted.",
      example: ["kvm", "nvme", "bonding mode=active-backup"],
    }),
    sysctls: map({
      key: text({ judge: sysctlFlaw }),
      phases: EVERY_PHASE,
      change: "live",
      description: "Kernel settings, as in `sysctl(8)`.",
      example: { "kernel.printk": "4 4 1 7", "kernel.kptr_restrict": "1" },
    }),
    timezone: text({
      form: TIME_ZONE,
      judge: timeZoneFlaw,
      phases: EVERY_PHASE,
      change: "live",
      description: "Time zone of the node, as in the tz database. Default: UTC.",
      example: "Europe/Berlin",
    }),
    ntpServers: list(text({ judge: timeServerFlaw }), {
      phases: BOOT_AND_RUNTIME,
      change: "live",
      description: "NTP servers to use if DHCP provides none.",
      example: ["0.pool.ntp.org", "1.pool.ntp.org"],
    }),
    dnsNameservers: list(text({ judge: nameServerFlaw }), {
      phases: BOOT_AND_RUNTIME,
      change: "live",
      description: "Name servers to use if DHCP provides none. Default: 8.8.8.8.",
      example: ["8.8.8.8", "1.1.1.1"],
    }),
    wifi: list(
      struct({
        name: text({ required: true, judge: networkNameFlaw, description: "Name (SSID) of the network." }),
        passphrase: text({
          secret: true,
          judge: passphraseFlaw,
          aliases: ["password", "pass"],
          description: "Passphrase: 8 to 63 ASCII characters, or 64 hexadecimal digits.",
        }),
      }),
      {
        phases: BOOT_AND_RUNTIME,
        change: "live",
        description: "Wireless networks to join.",
        example: [
          { name: "home", passphrase: "mypassword" },
          { name: "nothome", passphrase: "somethingelse" },
        ],
      },
    ),
    password: text({
      secret: true,
      phases: EVERY_PHASE,
      change: "live",
      description:
        "Password of the user `rancher`, in plain text or, if it starts with `$`, as a hash of `crypt(5)`. It works on the console and for sudo; sshd accepts only keys.",
      example: "$6$salt$hash",
    }),
    sshKeysRefresh: text({
      form: REFRESH_SPAN,
      phases: BOOT_AND_RUNTIME,
      change: "live",
      description:
        "How often to refresh the keys of accounts and URLs in `ssh_authorized_keys`: a time span such as `12h` or `1d 12h`; `0` or `off` for never. Default: `1d`.",
      example: "12h",
    }),
    serverUrl: text({
      judge: serverUrlFlaw,
      phases: BOOT_AND_RUNTIME,
      change: "k3s",
      description: "URL of the k3s server to join. With it, the node is an agent; without it, a server.",
      example: "https://server.example.com:6443",
    }),
    token: text({
      secret: true,
      judge: tokenFlaw,
      phases: BOOT_AND_RUNTIME,
      change: "k3s",
      description: "Cluster secret, or the node token of the server (starts with `K10`).",
      example: "TOKEN_VALUE",
    }),
    labels: map({
      key: text({ form: LABEL_NAME, judge: labelNameFlaw }),
      value: text({ form: LABEL_VALUE }),
      phases: BOOT_AND_RUNTIME,
      change: "k3s",
      description:
        "Labels of the node in its cluster. They follow the configuration: changes and removals too. Labels of other names are left alone.",
      example: { region: "us-west-1", "example.com/rack": "12" },
    }),
    k3sArgs: list(text({ argument: true }), {
      phases: BOOT_AND_RUNTIME,
      change: "k3s",
      description:
        "Arguments of k3s, one word each, starting with `server` or `agent`. Default: `agent` if `server_url` is set, otherwise `server`.",
      example: ["server", "--cluster-cidr=10.107.0.0/23"],
    }),
    k3sConfig: mapOf(list(text(), {}), {
      key: text({ form: K3S_OPTION }),
      options: true,
      phases: BOOT_AND_RUNTIME,
      change: "k3s",
      description:
        "Options of k3s by name, with a value or a list of values, for its own configuration file. Options in `k3s_args` take precedence over it.",
      example: { "write-kubeconfig-mode": "0640", "tls-san": ["k3s.example.com", "10.0.0.10"] },
    }),
    registries: REGISTRIES,
    environment: map({
      key: text({ form: ENVIRONMENT_NAME }),
      value: text({ multiline: true, private: true }),
      phases: EVERY_PHASE,
      change: "k3s",
      description: "Environment variables of k3s and of the installer, such as proxy settings.",
      example: { http_proxy: "http://proxy.example.com:3128", NO_PROXY: "10.0.0.0/8" },
    }),
    taints: list(text({ form: TAINT }), {
      phases: BOOT_AND_RUNTIME,
      change: "k3s",
      description:
        "Taints of the node in its cluster. They follow the configuration: changes and removals too, within five minutes. Other taints are left alone.",
      example: ["key1=value1:NoSchedule", "key1=value1:NoExecute"],
    }),
    install: INSTALL,
  },
  { description: "Settings of k3OS." },
);

/** Every key of the configuration, declared once. Types, validation, spellings, kernel parameters, schema and reference derive from it. */
export const SCHEMA = struct({
  sshAuthorizedKeys: list(text({ multiline: true, judge: sshKeyFlaw }), {
    phases: BOOT_AND_RUNTIME,
    change: "live",
    description:
      "SSH keys that can log in as `rancher`: a literal key, an account (`github:USER`, `gitlab:USER`, `codeberg:USER`, `launchpad:USER`), or the URL of a list of keys.",
    example: [
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExamples me@example.com",
      "github:ibuildthecloud",
    ],
  }),
  writeFiles: list(
    struct(
      {
        encoding: text({
          form: ENCODING,
          description: "Encoding of `content`: `b64`, `gzip` or `gzip+b64`. Default: none.",
        }),
        content: text({
          multiline: true,
          secret: true,
          bytesBy: "encoding",
          description: "Content of the file. Write binary content as YAML `!!binary`, or with an `encoding`.",
        }),
        owner: text({ form: OWNER, description: "`USER` or `USER:GROUP`. Default: root." }),
        path: text({
          required: true,
          judge: pathFlaw,
          description: "Path of the file. Missing directories are created.",
        }),
        permissions: text({ form: OCTAL_MODE, description: 'Octal mode. Default: "0644".' }),
      },
      { judge: fileFlaw },
    ),
    {
      phases: EVERY_PHASE,
      change: "live",
      description: "Files to write.",
      example: [
        {
          path: "/etc/local.d/example.start",
          content: "#!/bin/bash\necho hello, local service start\n",
          owner: "root",
          permissions: "0755",
        },
      ],
    },
  ),
  hostname: text({
    form: HOSTNAME,
    phases: EVERY_PHASE,
    change: "reboot",
    description:
      "Host name. The default is generated at the first boot and kept. A name from DHCP overrides it, and is kept if none is configured. A name from a data source overrides that of DHCP. DHCP is queried once per boot, before k3s starts.",
    example: "myhost",
  }),
  k3os: K3OS,
  runCmd: list(text({ multiline: true, private: true }), {
    phases: ["runtime"],
    change: "reboot",
    description:
      "Shell commands, run last, when the network is up and everything else is applied. Background processes keep running.",
    example: ["echo hi from run_cmd"],
  }),
  bootCmd: list(text({ multiline: true, private: true }), {
    phases: ["boot"],
    change: "reboot",
    description: "Shell commands, run before the services start, without a network.",
    example: ["echo hi from boot_cmd"],
  }),
  initCmd: list(text({ multiline: true, private: true }), {
    phases: ["initrd"],
    change: "reboot",
    description:
      "Shell commands, run as early as possible. Files that were added to the initrd, such as by `virt-install --initrd-inject`, are in `/.base`.",
    example: ["echo hi from init_cmd"],
  }),
});

/** The configuration in canonical names. Unset keys are absent. */
export type CloudConfig = ValueOf<typeof SCHEMA>;
export type K3osConfig = NonNullable<CloudConfig["k3os"]>;
export type InstallConfig = NonNullable<K3osConfig["install"]>;
export type WriteFile = NonNullable<CloudConfig["writeFiles"]>[number];
export type WifiNetwork = NonNullable<K3osConfig["wifi"]>[number];

/** Kernel parameters `k3os.NAME` of the boot code; they are not settings. */
export const BOOT_WORDS = ["mode", "fallback_mode", "debug", "boot", "state", "takeover"] as const;
