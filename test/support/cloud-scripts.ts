import type { Script } from "./cloud-server.ts";
import { makeKey } from "./ssh-key.ts";

export const A = makeKey("ssh-ed25519", "a");
export const USERDATA = "#cloud-config\nhostname: from-user-data\n";
export const EC2_UUID = "ec2e1916-9099-7caf-fd21-012345abcdef";

/** What AWS wants to see with each request but the first. */
export const TOKEN = { "x-aws-ec2-metadata-token": "secret-token" };
const google = { "metadata-flavor": "Google" };
const gcpTree = "/computeMetadata/v1/instance";

/** Each cloud's answer with the same user data, host name `node` and key A, and what its machines say of themselves. */
export const CLOUDS: Readonly<
  Record<string, { title: string; script: Script; dmi?: Readonly<Record<string, string>> }>
> = {
  aws: {
    title: "AWS",
    dmi: { product_uuid: EC2_UUID },
    script: {
      "169.254.169.254": {
        "PUT /latest/api/token": {
          wants: { "x-aws-ec2-metadata-token-ttl-seconds": "21600" },
          body: "secret-token",
        },
        "/latest/user-data": { wants: TOKEN, body: USERDATA },
        "/latest/meta-data/hostname": { wants: TOKEN, body: "node" },
        "/latest/meta-data/public-keys/": { wants: TOKEN, body: "0=me" },
        "/latest/meta-data/public-keys/0/openssh-key": { wants: TOKEN, body: A },
      },
    },
  },
  azure: {
    title: "Azure",
    dmi: { chassis_asset_tag: "7783-7084-3265-9085-8269-3286-77" },
    script: {
      "169.254.169.254": {
        "/metadata/instance?api-version=2021-08-01&extended=true": {
          wants: { metadata: "true" },
          body: JSON.stringify({
            compute: { osProfile: { computerName: "node" }, publicKeys: [{ keyData: A }] },
          }),
        },
        "/metadata/instance/compute/userData?api-version=2021-01-01&format=text":
          Buffer.from(USERDATA).toString("base64"),
      },
    },
  },
  digitalocean: {
    title: "DigitalOcean",
    dmi: { sys_vendor: "DigitalOcean" },
    script: {
      "169.254.169.254": {
        "/metadata/v1.json": JSON.stringify({
          droplet_id: 1,
          hostname: "node",
          public_keys: [A],
          user_data: USERDATA,
        }),
      },
    },
  },
  gcp: {
    title: "GCP",
    dmi: { product_name: "Google Compute Engine" },
    script: {
      "169.254.169.254": {
        [`${gcpTree}/id`]: { wants: google, body: "1" },
        [`${gcpTree}/hostname`]: { wants: google, body: "node" },
        [`${gcpTree}/attributes/ssh-keys`]: { wants: google, body: `me:${A}` },
        [`${gcpTree}/attributes/user-data`]: { wants: google, body: USERDATA },
      },
    },
  },
  hetzner: {
    title: "Hetzner",
    dmi: { sys_vendor: "Hetzner" },
    script: {
      "169.254.169.254": {
        "/hetzner/v1/metadata/instance-id": "1",
        "/hetzner/v1/metadata/hostname": "node",
        "/hetzner/v1/metadata/public-keys": JSON.stringify([A]),
        "/hetzner/v1/userdata": USERDATA,
      },
    },
  },
  openstack: {
    title: "openstack",
    dmi: { product_name: "OpenStack Nova" },
    script: {
      "169.254.169.254": {
        "/openstack": "latest",
        "/openstack/latest/meta_data.json": JSON.stringify({
          uuid: "u",
          hostname: "node",
          public_keys: { me: A },
        }),
        "/openstack/latest/user_data": USERDATA,
      },
    },
  },
  packet: {
    title: "Packet",
    script: {
      "192.0.2.10": {
        "/metadata": JSON.stringify({ id: "1", hostname: "node", ssh_keys: [A] }),
        "/userdata": USERDATA,
      },
    },
  },
  scaleway: {
    title: "Scaleway",
    dmi: { sys_vendor: "Scaleway" },
    script: {
      "169.254.42.42": {
        "/conf": `ID=1\nHOSTNAME=node\nSSH_PUBLIC_KEYS_0_KEY='${A}'\n`,
        "/user_data/cloud-init": { privileged: true, body: USERDATA },
      },
    },
  },
  vultr: {
    title: "Vultr",
    dmi: { sys_vendor: "Vultr" },
    script: {
      "169.254.169.254": {
        "/v1.json": JSON.stringify({ "instance-v2-id": "1", hostname: "node", "public-keys": [A] }),
        "/user-data/user-data": USERDATA,
      },
    },
  },
};
