import { flag, list, map, mapOf, type Phase, struct, text } from "./field.ts";
import { absolutePathFlaw, endpointFlaw, patternFlaw, registryFlaw } from "./flaws.ts";
import { REGISTRY_HOST } from "./forms.ts";

const PHASES: readonly Phase[] = ["boot", "runtime"];

const MIRROR = struct({
  endpoint: list(text({ judge: endpointFlaw }), {
    aliases: ["endpoints"],
    description:
      "Addresses to pull from, in order, before the registry itself. Without any, the key only names a registry for the embedded one.",
  }),
  rewrite: map({
    key: text({ judge: patternFlaw }),
    aliases: ["rewrites"],
    description: "Regular expressions for the path of an image, and what the mirror has instead.",
  }),
});

const AUTH = struct({
  username: text(),
  password: text({ secret: true }),
  auth: text({ secret: true, description: "Base64 of `USER:PASSWORD`, in their place." }),
  identityToken: text({ secret: true, description: "A token, in their place." }),
});

const TLS = struct({
  caFile: text({
    judge: absolutePathFlaw,
    description: "Certificate of the authority that has signed the registry's.",
  }),
  certFile: text({ judge: absolutePathFlaw, description: "Certificate of the node." }),
  keyFile: text({ judge: absolutePathFlaw, description: "Key of that certificate." }),
  insecureSkipVerify: flag({ description: "Accept any certificate." }),
});

/**
 * The registries of images, in the words of k3s's own file, which is written from it.
 * https://docs.k3s.io/installation/private-registry
 */
export const REGISTRIES = struct(
  {
    mirrors: mapOf(MIRROR, {
      key: text({ form: REGISTRY_HOST }),
      phases: PHASES,
      change: "k3s",
      description:
        "For each registry in the names of images, or `*` for all: where to pull from instead. Written to `/etc/rancher/k3s/registries.yaml`.",
      example: {
        "docker.io": {
          endpoint: ["https://registry.example.com:5000"],
          rewrite: { "^rancher/(.*)": "mirror/$1" },
        },
      },
    }),
    configs: mapOf(struct({ auth: AUTH, tls: TLS }, { judge: registryFlaw }), {
      key: text({ form: REGISTRY_HOST }),
      phases: PHASES,
      change: "k3s",
      description: "For the host of each address: how to log in, and which certificates count.",
      example: {
        "registry.example.com:5000": {
          auth: { username: "puller", password: "PASSWORD" },
          tls: { ca_file: "/etc/ssl/registry.pem" },
        },
      },
    }),
    embedded: flag({
      phases: PHASES,
      change: "k3s",
      description:
        "Nodes pull images from each other (`embedded-registry` of k3s), for the registries in `mirrors`; for all without any. Set it on servers and agents.",
      example: true,
    }),
  },
  { phases: PHASES, description: "Registries that images are pulled from." },
);
