import { join } from "node:path";
import { CLOUDS } from "../support/cloud-scripts.ts";
import { openClouds } from "../support/clouds.ts";
import { PROJECT } from "../support/sources.ts";
import { duration, type Figure, ratio } from "./figure.ts";

/** Dead ones first, as in a list that was written for any machine. */
const LIST = [
  ...["aws", "azure", "digitalocean", "gcp", "hetzner", "openstack", "packet", "vultr", "scaleway"],
];

/** What a prober asks first of each. */
const URLS: Readonly<Record<string, string>> = {
  aws: "http://169.254.169.254/latest/meta-data/hostname",
  azure: "http://169.254.169.254/metadata/instance",
  digitalocean: "http://169.254.169.254/metadata/v1.json",
  gcp: "http://169.254.169.254/computeMetadata/v1/instance/id",
  hetzner: "http://169.254.169.254/hetzner/v1/metadata/hostname",
  openstack: "http://169.254.169.254/openstack",
  packet: "http://192.0.2.10/metadata",
  vultr: "http://169.254.169.254/v1.json",
  scaleway: "http://169.254.42.42/conf",
};

/**
 * Time to user data where the last of nine sources is alive and packets to the others are lost, with and without firmware
 * that tells; and the time that nine dead ones take: each against asking one after another with the same times.
 */
export async function benchMetadata(): Promise<Figure[]> {
  await using clouds = await openClouds();
  const ours = (status: number) =>
    duration(async () => {
      const { code, stderr } = await clouds.k3os("metadata", ...LIST);
      if (code !== status) throw new Error(`k3os metadata ended with status ${code}: ${stderr}`);
    });
  const prober = [process.execPath, join(PROJECT, "test/support/sequential-prober.ts")];
  const theirs = (status: number) =>
    duration(async () => {
      const urls = LIST.map((name) => URLS[name] ?? "");
      const { code } = await clouds.run([...prober, ...urls], { check: false });
      if (code !== status) throw new Error(`The sequential prober ended with status ${code}`);
    });
  await clouds.become({});
  await clouds.network("black hole");
  const dead = { ours: [await ours(1)], theirs: [await theirs(1)] };
  await clouds.play(CLOUDS.scaleway?.script ?? {});
  await clouds.shell("ip addr replace 169.254.42.42/32 dev lo");
  const sequential = [await theirs(0)];
  const alive = { ours: [await ours(0)], theirs: sequential };
  await clouds.become(CLOUDS.scaleway?.dmi ?? {});
  const recognised = { ours: [await ours(0)], theirs: sequential };
  const against = "asking one after another";
  return [
    ratio("metadata, one alive among nine", 0.25, alive, against),
    ratio("metadata, a machine that is known", 0.05, recognised, against),
    ratio("metadata, dead network", 0.2, dead, against),
  ];
}
