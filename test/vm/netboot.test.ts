import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import {
  createReadStream,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { logIn } from "../../lib/make/vm/console-login.ts";
import { HOST_ADDRESS, type Machine } from "../../lib/make/vm/qemu.ts";
import { bootDisk, createHardware, within } from "../../lib/make/vm/virtual-node.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { encodePublicKey } from "../../lib/tools/release/signature-keys.ts";
import { output } from "../support/disk.ts";
import { ARTIFACTS } from "../support/image.ts";
import { describeLong } from "../support/left-out.ts";
import { type Loopback, serveLoopback } from "../support/loopback.ts";
import { makeSecretKey } from "../support/minisign.ts";
import { signedList } from "../support/release.ts";
import { bootKernel } from "../support/state-disk.ts";

const MINUTE = 60_000;
const ISO = "k3os-amd64.iso";
const CONFIG = "hostname: from-network\nk3os: {password: open-sesame, k3s_args: [agent]}\n";

/** The key that the artifacts are signed with. */
const key = readFileSync(join(ARTIFACTS, "k3os.pub"), "utf8").trim().split("\n").at(-1) ?? "";

/** An ISO that is small and holds no system: what fetches it is the same. */
const SMALL = "small.iso";
const smallSecret = makeSecretKey();

let scratch: string;
let server: Loopback;
/** Requests for an ISO that are still to break off half-way. */
let breaks = 0;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "k3os-netboot-"));
  await makeSmallIso(join(scratch, "small"));
  server = await serveLoopback(serve);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true });
});

/** Makes the small ISO and its signed list in a directory of their own. */
async function makeSmallIso(directory: string): Promise<void> {
  const version = join(directory, "tree/k3os/system/k3os/v0");
  mkdirSync(version, { recursive: true });
  symlinkSync("v0", join(version, "../current"));
  writeFileSync(join(version, "k3os"), "no program\n", { mode: 0o755 });
  writeFileSync(join(version, "filler"), randomBytes(8 << 20));
  const iso = join(directory, SMALL);
  await runProgram([
    "xorriso",
    "-as",
    "mkisofs",
    "-quiet",
    "-R",
    "-V",
    "K3OS",
    "-o",
    iso,
    join(directory, "tree"),
  ]);
  const signed = signedList(
    { [SMALL]: readFileSync(iso) },
    { secret: smallSecret, version: "v1.2.3", arch: "amd64" },
  );
  for (const [name, content] of Object.entries(signed)) writeFileSync(join(directory, name), content);
}

/** The artifacts; below `/small/` the small ISO; and a configuration. */
function serve(request: IncomingMessage, response: ServerResponse): void {
  const path = request.url ?? "";
  if (path === "/node.yaml") {
    response.end(CONFIG);
    return;
  }
  const file = join(path.startsWith("/small/") ? scratch : ARTIFACTS, path);
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  if (size === undefined || path.includes("..")) {
    response.writeHead(404).end();
    return;
  }
  const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const range = start > 0 ? { "content-range": `bytes ${start}-${size - 1}/${size}` } : {};
  response.writeHead(start > 0 ? 206 : 200, { "content-length": size - start, etag: '"1"', ...range });
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  const isToBreak = path.endsWith(".iso") && breaks-- > 0;
  const content = createReadStream(file, { start, ...(isToBreak ? { end: size / 2 } : {}) });
  content.on("end", () => (isToBreak ? response.destroy() : response.end()));
  content.pipe(response, { end: false });
}

/** Words of the kernel command line that name the ISO. */
function isoWords(
  more: {
    readonly key?: string;
    readonly scheme?: string;
    readonly port?: number;
    readonly name?: string;
  } = {},
): string[] {
  const { scheme = "http", port = server.port, name = ISO } = more;
  return [
    `k3os.install.iso_url=${scheme}://${HOST_ADDRESS}:${port}/${name}`,
    `k3os.install.release_keys=${more.key ?? key}`,
  ];
}

/** From where on an ISO was asked for, each time. */
function isoRequests(name = ISO): string[] {
  const gets = server.requests.filter(({ url, method }) => url === `/${name}` && method === "GET");
  return gets.map(({ headers }) => headers.range ?? "all");
}

test(
  "kernel and initrd alone fetch an ISO, whose server breaks off, and mount it when it is what was signed",
  async () => {
    breaks = 1;
    const small = `small/${SMALL}`;
    await using machine = await bootKernel({
      ...{ name: "netboot", memory: 1536 },
      words: [
        ...["k3os.mode=live", "BOOTIF=01-52-54-00-12-34-56", "ip=10.0.2.77::10.0.2.2:24:::none:10.0.2.3"],
        ...isoWords({ name: small, key: encodePublicKey(smallSecret.publicKey) }),
      ],
    });
    const { console } = machine;
    await console.expect(/eth0 has 10\.0\.2\.77\/24 \(static\), gateway 10\.0\.2\.2/, {
      timeout: 4 * MINUTE,
    });
    await console.expect(/The ISO takes \d\.\d MiB of memory/, { timeout: MINUTE });
    await console.expect(/The ISO has no kernel, and this is /, { timeout: MINUTE });
    await failsWith(machine, /Cannot execute "\/sbin\/init": ENOEXEC/);
    expect(isoRequests(small)).toEqual(["all", expect.stringMatching(/^bytes=\d+-$/)]);
    expect(await say(machine, "ls /run/k3os/iso/k3os/system/k3os")).toBe("current v0");
    expect(await say(machine, "cat /k3os/data/var/lib/connman/*.config")).toContain(
      "DeviceName=eth0 IPv4=10.0.2.77/255.255.255.0/10.0.2.2 Nameservers=10.0.2.3",
    );
  },
  10 * MINUTE,
);

describeLong("kernel and initrd alone", () => {
  test(
    "run what they fetch from memory",
    async () => {
      await using machine = await bootKernel({
        ...{ name: "netboot-live", memory: 2048 },
        words: ["k3os.mode=live", ...isoWords()],
      });
      const { console } = machine;
      await console.expect(/eth0 has 10\.0\.2\.15\/24 \(DHCP\), gateway 10\.0\.2\.2/, {
        timeout: 4 * MINUTE,
      });
      await console.expect(/The ISO takes 4\d\d MiB of memory/, { timeout: MINUTE });
      await console.expect(/Mounted the installation medium from the network/, { timeout: 10 * MINUTE });
      await logIn(machine);
      expect(await say(machine, "cat /run/k3os/mode")).toBe("live");
      expect(await say(machine, "ls /lib/modules")).toBe(await say(machine, "uname -r"));
      const page = `http://${HOST_ADDRESS}:${server.port}/node.yaml`;
      expect(await say(machine, `curl -s --retry 20 --retry-all-errors ${page}`)).toContain("from-network");
      expect(await say(machine, "free -m | sed -n 2p")).toMatch(/^Mem: 19\d\d /);
    },
    20 * MINUTE,
  );

  test(
    "install what they fetch, with a fixed address, and with a configuration from a server whose authority is in the initrd",
    async () => {
      const tls = makeCertificate(HOST_ADDRESS);
      await using secure = await serveLoopback(serve, { tls });
      const hardware = createHardware("netboot-install", { firmware: "bios" }, 4 * 1024 ** 3);
      {
        await using machine = await bootKernel({
          ...{ name: "netboot-install", memory: 2048, disks: [hardware.disk] },
          injected: { "authority.pem": tls.cert },
          words: [
            ...["k3os.mode=install", "k3os.install.silent", "k3os.install.device=/dev/vda"],
            ...["k3os.install.power_off=true", "k3os.install.tty=ttyS0"],
            ...isoWords({ scheme: "https", port: secure.port }),
            `k3os.install.config_url=https://${HOST_ADDRESS}:${secure.port}/node.yaml`,
            "k3os.environment.SSL_CERT_FILE=/authority.pem",
            "ip=10.0.2.77::10.0.2.2:255.255.255.0::eth0:none:10.0.2.3",
          ],
        });
        await machine.console.expect(/eth0 has 10\.0\.2\.77\/24 \(static\)/, { timeout: 4 * MINUTE });
        await machine.console.expect(/is installed on \/dev\/vda/, { timeout: 15 * MINUTE });
        await within(machine.exited, 4 * MINUTE, "The machine did not power off");
      }
      // the installer takes what the boot has fetched
      const fetched = secure.requests.filter(({ method }) => method === "GET").map(({ url }) => url);
      expect(fetched.filter((url) => !url?.includes("sha256sum"))).toEqual([`/${ISO}`, "/node.yaml"]);
      await using machine = await bootDisk(hardware, { boot: "disk" });
      await logIn(machine, "open-sesame");
      expect(await say(machine, "uname -n")).toBe("from-network");
      rmSync(hardware.disk);
    },
    30 * MINUTE,
  );

  test(
    "end in a rescue shell with the reason where the ISO cannot be had, or is not to be trusted",
    async () => {
      const reasons: [string, string[], RegExp][] = [
        ["nowhere", isoWords({ port: 1 }), /Cannot fetch "http:\/\/10\.0\.2\.2:1\/k3os-amd64\.iso"/],
        ["missing", isoWords({ name: "none.iso" }), /status 404/],
        [
          "unsigned",
          isoWords({ key: encodePublicKey(makeSecretKey().publicKey) }),
          /Signed by the unknown key/,
        ],
        [
          "no-card",
          ["ip=enp1s0:dhcp", ...isoWords()],
          /there is no network card "enp1s0"; there is eth0 \(52:54/,
        ],
      ];
      for (const [name, words, reason] of reasons) {
        await using machine = await bootKernel({
          ...{ name: `netboot-${name}`, memory: 2048 },
          words: ["k3os.mode=live", ...words],
        });
        await failsWith(machine, reason);
      }
    },
    30 * MINUTE,
  );

  test(
    "fetch from a server whose authority was put into the initrd, and from no other that nobody knows",
    async () => {
      const tls = makeCertificate(HOST_ADDRESS);
      await using secure = await serveLoopback(serve, { tls });
      const name = `small/${SMALL}`;
      const trusted = { name, key: encodePublicKey(smallSecret.publicKey) };
      const words = [
        "k3os.mode=live",
        "k3os.environment.SSL_CERT_FILE=/authority.pem",
        ...isoWords({ ...trusted, scheme: "https", port: secure.port }),
      ];
      {
        await using machine = await bootKernel({ name: "netboot-tls-unknown", memory: 1536, words });
        await failsWith(machine, /certificate/);
      }
      expect(secure.requests).toEqual([]);
      await using machine = await bootKernel({
        ...{ name: "netboot-tls", memory: 1536, words, injected: { "authority.pem": tls.cert } },
      });
      await machine.console.expect(/Mounted the installation medium from the network/, {
        timeout: 6 * MINUTE,
      });
      await failsWith(machine, /Cannot execute "\/sbin\/init": ENOEXEC/);
    },
    20 * MINUTE,
  );

  test(
    "say what memory they need before they fetch it",
    async () => {
      await using machine = await bootKernel({
        ...{ name: "netboot-memory", memory: 1024 },
        words: ["k3os.mode=live", ...isoWords()],
      });
      await failsWith(machine, /Not enough memory to run from the network: the ISO takes 4\d\d MiB/);
    },
    10 * MINUTE,
  );

  test(
    "say that nobody answers, after they have asked over the VLAN that was named",
    async () => {
      const frames = join(scratch, "frames.pcap");
      await using machine = await bootKernel({
        ...{ name: "netboot-vlan", memory: 2048 },
        words: ["k3os.mode=live", "vlan=eth0.5:eth0", "ip=eth0.5:dhcp", ...isoWords()],
        extra: ["-object", `filter-dump,id=dump,netdev=net,file=${frames}`],
      });
      await failsWith(machine, /eth0\.5: no DHCP server answered/);
      // 802.1Q: type 0x8100, then priority and id; IPv4 follows
      expect(readFileSync(frames).includes(Buffer.from("810000050800", "hex"))).toBe(true);
    },
    10 * MINUTE,
  );
});

/** A new key, and a certificate for an address, by which it is its own authority. */
function makeCertificate(address: string): { readonly cert: string; readonly key: string } {
  const [cert, file] = [join(scratch, "cert.pem"), join(scratch, "key.pem")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const name = ["-subj", "/CN=netboot", "-addext", `subjectAltName=IP:${address}`, "-days", "2"];
  output(["openssl", "req", "-x509", ...curve, ...name, "-keyout", file, "-out", cert]);
  return { cert: readFileSync(cert, "utf8"), key: readFileSync(file, "utf8") };
}

async function failsWith({ console }: Machine, reason: RegExp): Promise<void> {
  await console.expect(/\*\*\* k3OS could not boot \*\*\*/, { timeout: 6 * MINUTE });
  const [message] = await console.expect(/Error: [\s\S]*?For more/, { timeout: MINUTE });
  expect(message.replaceAll(/\r?\n/g, "\n")).toMatch(reason);
  await console.expect(/# /, { timeout: MINUTE });
}

/** What a command prints, its lines joined by blanks; the brackets tell it from the command and from the kernel's messages. */
async function say({ console }: Machine, command: string): Promise<string> {
  console.send(`printf '<%s>\\n' "$(echo $(${command}))"\r`);
  const [, output = ""] = await console.expect(/<([^%>][^>]*)>/, { timeout: 3 * MINUTE });
  return output;
}
