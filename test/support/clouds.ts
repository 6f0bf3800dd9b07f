import { join } from "node:path";
import type { RunOptions, RunResult } from "../../lib/tools/host/host.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { CLOUD_CERTIFICATE } from "./certificate.ts";
import type { Script } from "./cloud-server.ts";
import { openSandbox } from "./sandbox.ts";
import { PROJECT } from "./sources.ts";

/** A machine in namespaces of its own, in which every cloud's address is one of loopback. */
export interface Clouds extends AsyncDisposable {
  /** Says what the clouds answer from now on. */
  play(script: Script): Promise<void>;
  /** Sets what the firmware says of the machine: names of /sys/class/dmi/id. */
  become(dmi: Readonly<Record<string, string>>): Promise<void>;
  /** Takes all addresses of clouds away, or gives them back; `black hole`: packets to them are lost. */
  network(state: "clouds" | "nothing" | "black hole"): Promise<void>;
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Runs a shell line; returns its output, trimmed. */
  shell(line: string): Promise<string>;
  /** Runs the compiled executable; also tells the seconds that it took. */
  k3os(...argv: readonly string[]): Promise<RunResult & { readonly seconds: number }>;
}

export const EXECUTABLE = join(PROJECT, `dist/artifacts/k3os-${hostTarget().arch}`);

const PACKET = "192.0.2.10";
const ADDRESSES = ["169.254.169.254/32", "169.254.42.42/32", "fd00:ec2::254/128", "fd00:42::42/128"];
const [SCRIPT, READY] = ["/run/clouds.json", "/run/clouds-ready"];
const CERTIFICATES = "/run/clouds.pem";

/** The kernel's own view of this machine must not count: /sys holds only what {@link Clouds.become} says. */
const SETUP = `
mount -t tmpfs tmpfs /sys
printf '127.0.0.1 localhost\\n${PACKET} metadata.packet.net\\n169.254.169.254 metadata.google.internal\\n' > /etc/hosts
rm -f /etc/resolv.conf
echo 'nameserver 192.0.2.53' > /etc/resolv.conf
ip tuntap add dev hole mode tun
ip link set hole up
`;

/** Opens such a machine; needs root. */
export async function openClouds(): Promise<Clouds> {
  const sandbox = await openSandbox();
  const shell = async (line: string, input?: string) =>
    (
      await sandbox.run(["sh", "-ec", line], { ...(input === undefined ? {} : { input }), timeout: 60_000 })
    ).stdout.trim();
  const play = async (script: Script) => {
    await shell(`cat > ${SCRIPT}.new && mv ${SCRIPT}.new ${SCRIPT}`, JSON.stringify(script));
  };
  const network: Clouds["network"] = async (state) => {
    const all = [...ADDRESSES, `${PACKET}/32`];
    const lines = all.map((address) => {
      const verb = state === "clouds" ? "replace" : "del";
      const nodad = address.includes(":") && state === "clouds" ? " nodad" : "";
      return `ip addr ${verb} ${address} dev lo${nodad} 2>/dev/null || test ${verb} = del`;
    });
    const route = state === "black hole" ? "replace" : "del";
    lines.push("ip addr replace 192.0.2.99/24 dev hole");
    if (state !== "black hole") lines.push("ip addr flush dev hole");
    lines.push(`ip route ${route} default dev hole 2>/dev/null || test ${route} = del`);
    lines.push(`ip -6 route ${route} default dev hole 2>/dev/null || test ${route} = del`);
    await shell(lines.join("\n"));
  };
  await shell(SETUP);
  await shell(`cat > ${CERTIFICATES}`, CLOUD_CERTIFICATE);
  await play({});
  await network("clouds");
  const server = [process.execPath, join(PROJECT, "test/support/cloud-server.ts"), SCRIPT, READY];
  const ended = sandbox.run(server).then(
    () => new Error("The clouds' server ended"),
    (error: Error) => error,
  );
  const failure = await Promise.race([ended, shell(`until [ -e ${READY} ]; do sleep 0.05; done`)]);
  if (failure instanceof Error) throw failure;
  return {
    play,
    network,
    become: async (dmi) => {
      await shell("rm -rf /sys/class && mkdir -p /sys/class/dmi/id");
      for (const [name, value] of Object.entries(dmi)) await shell(`cat > /sys/class/dmi/id/${name}`, value);
    },
    run: sandbox.run,
    shell,
    k3os: async (...argv) => {
      const started = performance.now();
      const env = ["env", `SSL_CERT_FILE=${CERTIFICATES}`];
      const result = await sandbox.run([...env, EXECUTABLE, ...argv], { check: false, timeout: 120_000 });
      return { ...result, seconds: (performance.now() - started) / 1000 };
    },
    [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose](),
  };
}
