import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { applyPhase } from "../../../lib/apply/stages.ts";
import { parseConfigText } from "../../../lib/config/read/parse.ts";
import { GENERATED, type GeneratedFile } from "../../../lib/config/schema/generated-files.ts";
import { PATH } from "../../../lib/tools/host/paths.ts";
import { testHost } from "../../support/host.ts";

const uid = process.getuid?.() ?? 0;
const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl a";

/** A machine that has something in every place that a setting changes. */
const MACHINE = {
  "/etc/passwd": `rancher:x:${uid}:${process.getgid?.() ?? 0}::/home/rancher:/bin/bash\n`,
  "/etc/hosts": "127.0.1.1 old\n",
  "/etc/hostname": "old\n",
  "/etc/environment": 'K3S_KUBECONFIG_MODE="0644"\n',
  "/proc/sys/kernel/hostname": "old\n",
  "/proc/sys/vm/swappiness": "60\n",
  "/sbin/k3s": "",
  "/usr/share/zoneinfo/Europe/Berlin": "",
  [PATH.dhcpHostname]: "",
};

/** Every setting that goes into a file. */
const SETTINGS = {
  hostname: "named",
  sshAuthorizedKeys: [KEY],
  k3os: {
    dataSources: ["aws"],
    sysctls: { "vm.swappiness": "7" },
    timezone: "Europe/Berlin",
    dnsNameservers: ["192.0.2.53"],
    ntpServers: ["ntp.example"],
    wifi: [{ name: "net", passphrase: "passphrase" }],
    password: "$6$salt$hash",
    sshKeysRefresh: "2h",
    serverUrl: "https://server.example:6443",
    token: "token",
    labels: { a: "b" },
    environment: { NAME: "value" },
    k3sConfig: { debug: ["true"] },
    registries: { mirrors: { "docker.io": {} } },
  },
};

const files = Object.values<GeneratedFile>(GENERATED).map((file) => [file.path, file] as const);
/** What is expected of a name that is used as one. */
const textFor = (path: string) => (path === GENERATED.hostname.path ? "written\n" : "# the user's\n");

describe("a file that the user writes", () => {
  describe("stays as it is written through every phase, and is never written twice:", () => {
    const contents: ReadonlyMap<string, string>[] = [];
    let logged: readonly string[];

    // all of them at once: each write is flushed, which takes its time
    beforeAll(async () => {
      using host = testHost({ files: MACHINE });
      const writeFiles = files.map(([path]) => ({ path, content: textFor(path) }));
      for (const phase of ["initrd", "boot", "runtime", "install", "runtime"] as const) {
        expect(await applyPhase(phase, { ...SETTINGS, writeFiles }, host)).toEqual([]);
        const read = ([path]: (typeof files)[number]) =>
          [path, readFileSync(host.root + path, "utf8")] as const;
        contents.push(new Map(files.map(read)));
      }
      logged = [...host.logged];
    });

    test.each(files)("%s", (path) => {
      expect(contents.map((after) => after.get(path))).toEqual(Array(5).fill(textFor(path)));
      expect(logged.filter((line) => line === `debug: wrote "${path}"`)).toHaveLength(1);
    });
  });

  test.each(
    files.flatMap(([own, { instead = [], keys }]) =>
      instead.flatMap((place) => (keys.length > 0 ? [[place, own]] : [])),
    ),
  )("in %s keeps what is generated for the same away", async (place = "", own = "") => {
    const path = place.endsWith("/") ? `${place}10-mine.conf` : place;
    using host = testHost({ files: { ...MACHINE, [own]: "from before\n" } });
    await applyPhase("boot", { ...SETTINGS, writeFiles: [{ path, content: "# mine\n" }] }, host);
    expect(existsSync(host.root + own)).toBe(path === own);
  });

  test.each(files.flatMap(([path, { keys }]) => keys.map((key) => [path, key] as const)))(
    "%s is warned of beside %s",
    (path, key) => {
      const { diagnostics } = parseConfigText(configWith(path, key), "c.yaml");
      expect(diagnostics.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([
        `warning: found "${path}" beside ${key}: the file counts, and nothing else is written to it`,
      ]);
    },
  );

  test.each(files)("%s alone is no reason for a warning", (path) => {
    const text = JSON.stringify({ write_files: [{ path, content: "a" }] });
    expect(parseConfigText(text, "c.yaml").diagnostics).toEqual([]);
  });
});

test("a file that is the user's no more is generated again, and its service gets to know", async () => {
  using host = testHost({ files: MACHINE });
  const path = GENERATED.connman.path;
  await applyPhase("runtime", { ...SETTINGS, writeFiles: [{ path, content: "[General]\n" }] }, host);
  expect(reloads(host)).toContain("connman.service");
  await applyPhase("runtime", SETTINGS, host);
  expect(readFileSync(host.root + path, "utf8")).toContain("192.0.2.53");
  expect(reloads(host).filter((service) => service === "connman.service")).toHaveLength(2);
});

test("a unit that the user writes is read by the service manager, and k3s is restarted with it", async () => {
  using host = testHost({ files: MACHINE, answer: () => ({ stdout: "active\n" }) });
  const writeFiles = [
    { path: GENERATED.k3sService.path, content: "[Service]\nExecStart=/sbin/k3s server\n" },
  ];
  await applyPhase("runtime", { writeFiles }, host);
  const calls = host.programs.map(({ argv }) => argv.join(" "));
  const reload = calls.indexOf("systemctl daemon-reload");
  const restart = calls.indexOf("systemctl --no-block try-reload-or-restart k3s-service.service");
  expect(reload).toBeGreaterThanOrEqual(0);
  expect(restart).toBeGreaterThan(reload);
});

test("a name in a file that the user writes is the machine's", async () => {
  using host = testHost({ files: MACHINE });
  const writeFiles = [{ path: "/etc/hostname", content: "written\n" }];
  await applyPhase("boot", { hostname: "named", writeFiles }, host);
  expect(readFileSync(`${host.root}/proc/sys/kernel/hostname`, "utf8")).toBe("written");
  expect(readFileSync(`${host.root}/etc/hosts`, "utf8")).toContain("written");
});

function reloads(host: { readonly programs: readonly { readonly argv: readonly string[] }[] }): string[] {
  return host.programs.flatMap(({ argv }) =>
    argv.includes("try-reload-or-restart") ? (argv.at(-1) ?? []) : [],
  );
}

/** A configuration that writes a file and sets one key, which is named as a user writes it. */
function configWith(path: string, key: string): string {
  const values: Readonly<Record<string, unknown>> = {
    hostname: "named",
    ssh_authorized_keys: [KEY],
    "k3os.data_sources": ["aws"],
    "k3os.sysctls": { "vm.swappiness": "7" },
    "k3os.timezone": "Europe/Berlin",
    "k3os.wifi": [{ name: "net" }],
    "k3os.password": "$6$salt$hash",
    "k3os.ssh_keys_refresh": "2h",
    "k3os.token": "token",
    "k3os.server_url": "https://server.example:6443",
    "k3os.labels": { a: "b" },
    "k3os.environment": { NAME: "value" },
    "k3os.taints": ["a=b:NoSchedule"],
    "k3os.k3s_config": { debug: "true" },
    "k3os.registries.mirrors": { "docker.io": {} },
    "k3os.registries.configs": { "docker.io": {} },
    "k3os.registries.embedded": true,
    "k3os.k3s_args": ["agent"],
  };
  const value = values[key] ?? ["192.0.2.1"];
  const setting = key.split(".").reduceRight<unknown>((below, name) => ({ [name]: below }), value);
  return JSON.stringify({ write_files: [{ path, content: "a" }], ...(setting as object) });
}
