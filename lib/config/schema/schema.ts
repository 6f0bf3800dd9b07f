import { EVERY_PHASE, list, map, type Phase, struct, text, type ValueOf } from "./field.ts";
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
  LABEL_NAME,
  LABEL_VALUE,
  OCTAL_MODE,
  OWNER,
  REFRESH_SPAN,
  TAINT,
  TIME_ZONE,
} from "./forms.ts";
import { INSTALLER_KEYS } from "./installer-settings.ts";

const BOOT_AND_RUNTIME: readonly Phase[] = ["boot", "runtime"];

const INSTALL = struct(INSTALLER_KEYS, {
  phases: ["install"],
  description:
    "What the installer does. Only the installer reads it, and it is left out of the installed configuration.",
});

const K3OS = struct(
  {
    dataSources: list(text({ judge: dataSourceFlaw }), {
      phases: ["boot"],
      description:
        "Where to look for the host name, ssh keys and user data that a cloud gives this machine, in the order tried: `aws`, `gcp`, `hetzner`, `openstack`, `scaleway`, `vultr`, `digitalocean`, `packet`, `cdrom`, … The first that answers with user data ends the search.",
      example: ["openstack", "cdrom"],
    }),
    modules: list(text({ judge: moduleFlaw }), {
      phases: EVERY_PHASE,
      description:
        "Kernel modules to load, each with its parameters after a space. Those of the kernel command line are loaded before the disk is looked for.",
      example: ["kvm", "nvme", "bonding mode=active-backup"],
    }),
    sysctls: map({
      key: text({ judge: sysctlFlaw }),
      phases: EVERY_PHASE,
      description: "Kernel settings, as in `sysctl(8)`.",
      example: { "kernel.printk": "4 4 1 7", "kernel.kptr_restrict": "1" },
    }),
    timezone: text({
      form: TIME_ZONE,
      judge: timeZoneFlaw,
      phases: EVERY_PHASE,
      description: "Time zone of the node, by its name in the database of zones. Default: UTC.",
      example: "Europe/Berlin",
    }),
    ntpServers: list(text({ judge: timeServerFlaw }), {
      phases: BOOT_AND_RUNTIME,
      description: "Time servers to use when DHCP names none.",
      example: ["0.pool.ntp.org", "1.pool.ntp.org"],
    }),
    dnsNameservers: list(text({ judge: nameServerFlaw }), {
      phases: BOOT_AND_RUNTIME,
      description: "Name servers to use when DHCP names none. Default: 8.8.8.8.",
      example: ["8.8.8.8", "1.1.1.1"],
    }),
    wifi: list(
      struct({
        name: text({ required: true, judge: networkNameFlaw, description: "Name (SSID) of the network." }),
        passphrase: text({
          secret: true,
          judge: passphraseFlaw,
          aliases: ["password", "pass"],
          description: "Its passphrase: 8 to 63 characters of ASCII, or 64 hexadecimal digits.",
        }),
      }),
      {
        phases: BOOT_AND_RUNTIME,
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
      description:
        "Password of the user `rancher`, in clear or, if it begins with `$`, as a hash of `crypt(5)`. Used on the console and for sudo; ssh takes keys only.",
      example: "$6$salt$hash",
    }),
    sshKeysRefresh: text({
      form: REFRESH_SPAN,
      phases: BOOT_AND_RUNTIME,
      description:
        "How often keys of `ssh_authorized_keys` that come from an account or a URL are fetched anew: a time span such as `12h` or `1d 12h`, or `0` or `off` for never. Default: `1d`.",
      example: "12h",
    }),
    serverUrl: text({
      judge: serverUrlFlaw,
      phases: BOOT_AND_RUNTIME,
      description: "URL of the k3s server to join. With it the node is an agent, without it a server.",
      example: "https://server.example.com:6443",
    }),
    token: text({
      secret: true,
      judge: tokenFlaw,
      phases: BOOT_AND_RUNTIME,
      description: "Cluster secret, or the node token of the server (begins with `K10`).",
      example: "TOKEN_VALUE",
    }),
    labels: map({
      key: text({ form: LABEL_NAME, judge: labelNameFlaw }),
      value: text({ form: LABEL_VALUE }),
      phases: BOOT_AND_RUNTIME,
      description: "Labels that the node gets when it registers with the cluster for the first time.",
      example: { region: "us-west-1", "example.com/rack": "12" },
    }),
    k3sArgs: list(text({ argument: true }), {
      phases: BOOT_AND_RUNTIME,
      description:
        "Arguments of k3s, one word each, beginning with `server` or `agent`. Default: `agent` if `server_url` is set, else `server`.",
      example: ["server", "--cluster-cidr=10.107.0.0/23"],
    }),
    environment: map({
      key: text({ form: ENVIRONMENT_NAME }),
      value: text({ multiline: true, private: true }),
      phases: EVERY_PHASE,
      description: "Environment variables of k3s and of the installer, such as proxy settings.",
      example: { http_proxy: "http://proxy.example.com:3128", NO_PROXY: "10.0.0.0/8" },
    }),
    taints: list(text({ form: TAINT }), {
      phases: BOOT_AND_RUNTIME,
      description: "Taints that the node gets when it registers with the cluster for the first time.",
      example: ["key1=value1:NoSchedule", "key1=value1:NoExecute"],
    }),
    install: INSTALL,
  },
  { description: "What is particular to k3OS." },
);

/** Every key of the configuration, declared once: types, checks, spellings, kernel parameters, schema, reference. */
export const SCHEMA = struct({
  sshAuthorizedKeys: list(text({ multiline: true, judge: sshKeyFlaw }), {
    phases: BOOT_AND_RUNTIME,
    description:
      "ssh keys that may log in as `rancher`: the key itself, an account (`github:USER`, `gitlab:USER`, `codeberg:USER`, `launchpad:USER`), or a URL from which to fetch keys.",
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
          description: "How `content` is encoded: `b64`, `gzip` or `gzip+b64`. Default: not at all.",
        }),
        content: text({
          multiline: true,
          secret: true,
          bytesBy: "encoding",
          description: "The content; bytes that are no text as YAML `!!binary` or by an `encoding`.",
        }),
        owner: text({ form: OWNER, description: "`USER` or `USER:GROUP`. Default: root." }),
        path: text({
          required: true,
          judge: pathFlaw,
          description: "Where to write. Missing directories are made.",
        }),
        permissions: text({ form: OCTAL_MODE, description: 'Octal mode. Default: "0644".' }),
      },
      { judge: fileFlaw },
    ),
    {
      phases: EVERY_PHASE,
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
    description:
      "Name of the machine. Without it, a name is made up at the first boot and kept. A name that DHCP offers at the boot goes before it, and is kept if none is configured; one from a data source goes before DHCP's. DHCP is asked once in a boot, before k3s starts.",
    example: "myhost",
  }),
  k3os: K3OS,
  runCmd: list(text({ multiline: true, private: true }), {
    phases: ["runtime"],
    description:
      "Shell commands, run last, when the network is up and everything else is applied. What they leave in the background stays.",
    example: ["echo hi from run_cmd"],
  }),
  bootCmd: list(text({ multiline: true, private: true }), {
    phases: ["boot"],
    description: "Shell commands, run before the services start and without a network.",
    example: ["echo hi from boot_cmd"],
  }),
  initCmd: list(text({ multiline: true, private: true }), {
    phases: ["initrd"],
    description:
      "Shell commands, run as early as possible. Files that were put into the initrd, such as by `virt-install --initrd-inject`, are at `/.base` for them.",
    example: ["echo hi from init_cmd"],
  }),
});

/** The configuration in canonical names. What no source sets is absent. */
export type CloudConfig = ValueOf<typeof SCHEMA>;
export type K3osConfig = NonNullable<CloudConfig["k3os"]>;
export type InstallConfig = NonNullable<K3osConfig["install"]>;
export type WriteFile = NonNullable<CloudConfig["writeFiles"]>[number];
export type WifiNetwork = NonNullable<K3osConfig["wifi"]>[number];

/** Words `k3os.NAME` of the kernel command line that the boot code reads; they are no settings. */
export const BOOT_WORDS = ["mode", "fallback_mode", "debug", "boot", "state", "takeover"] as const;
