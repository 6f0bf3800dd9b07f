import type { Access, Metadata } from "../data-source.ts";
import { factsOf, optional } from "./answer.ts";

/** Gets a path below `/latest/` from a service with EC2's tree; undefined if it does not exist. */
export type GetPath = (path: string) => Promise<Buffer | undefined>;

/**
 * The metadata of the machine; undefined if there is none. Only an error with the user data fails the source.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-metadata.html
 */
export async function readEc2Tree(get: GetPath, access: Access): Promise<Metadata | undefined> {
  const ask = (name: string) =>
    optional(name, async () => (await get(`meta-data/${name}`))?.toString("utf8").trim(), access);
  const [userdata, keys, hostname, localHostname, instanceId, type, local, external, zone] =
    await Promise.all([
      get("user-data"),
      readKeys(get, access),
      ask("hostname"),
      ask("local-hostname"),
      ask("instance-id"),
      ask("instance-type"),
      ask("local-ipv4"),
      ask("public-ipv4"),
      ask("placement/availability-zone"),
    ]);
  const isEmpty = [userdata, hostname, localHostname, instanceId].every((value) => value === undefined);
  if (isEmpty && keys.length === 0) return undefined;
  const facts = factsOf({
    instance_type: type,
    local_ipv4: local,
    public_ipv4: external,
    availability_zone: zone,
  });
  return {
    ...(userdata === undefined ? {} : { userdata }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(localHostname === undefined ? {} : { localHostname }),
    ...(instanceId === undefined ? {} : { instanceId }),
    keys,
    facts,
  };
}

/** The list has a line `N=NAME` for each key; invalid lines are skipped. */
async function readKeys(get: GetPath, access: Access): Promise<string[]> {
  const list = await optional("keys", () => get("meta-data/public-keys/"), access);
  const lines = (list?.toString("utf8") ?? "").split("\n").map((line) => line.trim());
  const numbers = lines.flatMap((line) => /^(\d{1,4})=/.exec(line)?.[1] ?? []);
  const strange = lines.filter((line) => line !== "" && !/^\d{1,4}=/.test(line)).length;
  if (strange > 0) access.ignored(`keys: ${strange} lines of the list are not like "0=name"`);
  const keys = await Promise.all(
    numbers
      .slice(0, 100)
      .map((number) =>
        optional(`key ${number}`, () => get(`meta-data/public-keys/${number}/openssh-key`), access),
      ),
  );
  return keys.flatMap((key) => (key === undefined ? [] : [key.toString("utf8")]));
}
