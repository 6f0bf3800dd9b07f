import { SCHEMA } from "../schema/schema.ts";
import { secretSettings } from "./secret-settings.ts";
import { type StructuralSchema, structuralSchema } from "./structural-schema.ts";

/** The group of our kinds. */
export const GROUP = "k3os.io";

/** A definition of a kind: https://kubernetes.io/docs/reference/kubernetes-api/extend-resources/custom-resource-definition-v1/ */
export interface Definition {
  readonly apiVersion: "apiextensions.k8s.io/v1";
  readonly kind: "CustomResourceDefinition";
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

export interface Column {
  readonly name: string;
  readonly type: "string" | "integer" | "boolean" | "date";
  readonly jsonPath: string;
  readonly description: string;
  /** Above 0: only with `-o wide`. */
  readonly priority?: number;
}

/** A kind without a namespace, with a status of its own. */
export function definition(
  kind: string,
  shortNames: readonly string[],
  columns: readonly Column[],
  schema: StructuralSchema,
): Definition {
  const singular = kind.toLowerCase();
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${singular}s.${GROUP}` },
    spec: {
      group: GROUP,
      scope: "Cluster",
      names: { kind, listKind: `${kind}List`, plural: `${singular}s`, singular, shortNames },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: { openAPIV3Schema: schema },
        },
      ],
    },
  };
}

const text = (description: string, more: StructuralSchema = {}) => ({ description, type: "string", ...more });

const LABELS: StructuralSchema = {
  type: "object",
  description: "The nodes that get this configuration, by their labels. `{}` selects every node.",
  properties: {
    matchLabels: {
      type: "object",
      description: "Labels that a node must have, with these values.",
      additionalProperties: { type: "string", maxLength: 63 },
      maxProperties: 64,
    },
    matchExpressions: {
      type: "array",
      description: "Conditions on labels, all of which must hold.",
      maxItems: 64,
      "x-kubernetes-list-type": "atomic",
      items: {
        type: "object",
        required: ["key", "operator"],
        properties: {
          key: text("Name of a label.", { maxLength: 317 }),
          operator: text("How the label is compared.", { enum: ["In", "NotIn", "Exists", "DoesNotExist"] }),
          values: {
            type: "array",
            description: "Values for `In` and `NotIn`.",
            maxItems: 256,
            items: { type: "string", maxLength: 63 },
            "x-kubernetes-list-type": "atomic",
          },
        },
        "x-kubernetes-validations": [
          {
            rule: "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
            message: "In and NotIn need values, Exists and DoesNotExist must have none",
          },
        ],
      },
    },
  },
};

const SECRET_REFS: StructuralSchema = {
  type: "array",
  description:
    "Settings whose value is in a Secret of the namespace k3os-system. No other namespace can be named.",
  maxItems: 64,
  "x-kubernetes-list-type": "map",
  "x-kubernetes-list-map-keys": ["setting"],
  items: {
    type: "object",
    required: ["setting", "name", "key"],
    properties: {
      setting: text(
        "The setting. An entry of a list or map is named by its key in brackets: `k3os.password`, `k3os.wifi[home].passphrase`, `write_files[/etc/x].content`.",
        { pattern: `^(?:${secretSettings().join("|")})$`, maxLength: 1024 },
      ),
      name: text("Name of the Secret.", { pattern: "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", maxLength: 253 }),
      key: text("Key in the Secret.", { pattern: "^[-._a-zA-Z0-9]+$", maxLength: 253 }),
    },
  },
};

const TIME = "^([01][0-9]|2[0-3]):[0-5][0-9]$";

const ROLLOUT: StructuralSchema = {
  type: "object",
  description:
    "How changes that restart k3s or need a reboot go over the nodes. Servers come first. Live changes do not wait.",
  properties: {
    maxUnavailable: {
      description:
        "How many of the selected nodes may be away at the same time: a number, or a part such as `10%`. Default: 1.",
      "x-kubernetes-int-or-string": true,
      anyOf: [{ type: "integer" }, { type: "string" }],
      pattern: "^[1-9][0-9]?%$|^100%$",
      minimum: 1,
    },
    window: {
      type: "object",
      description: "The time of the week in which such changes start. Default: any time.",
      properties: {
        days: {
          type: "array",
          description: "Days. Default: every day.",
          maxItems: 7,
          items: {
            type: "string",
            enum: ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
          },
          "x-kubernetes-list-type": "set",
        },
        startTime: text("Start, as `22:00`. Default: 00:00.", { pattern: TIME }),
        endTime: text("End, as `04:00`, which may be on the next day. Default: 24 hours after the start.", {
          pattern: TIME,
        }),
        timeZone: text("Time zone of both. Default: UTC.", {
          pattern: "^[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*){0,2}$",
          maxLength: 64,
        }),
      },
    },
    drain: {
      type: "boolean",
      description: "Drain a node before it reboots. Default: true.",
    },
  },
};

const COUNT = (description: string) => ({ type: "integer", format: "int32", description });

const CONDITIONS: StructuralSchema = {
  type: "array",
  "x-kubernetes-list-type": "map",
  "x-kubernetes-list-map-keys": ["type"],
  items: {
    type: "object",
    required: ["type", "status", "lastTransitionTime", "reason", "message"],
    properties: {
      type: text("What the condition is about.", { maxLength: 316 }),
      status: text("Whether it holds.", { enum: ["True", "False", "Unknown"] }),
      observedGeneration: {
        type: "integer",
        format: "int64",
        description: "The generation that it is about.",
      },
      lastTransitionTime: text("When the status changed last.", { format: "date-time" }),
      reason: text("A word for programs.", { maxLength: 1024 }),
      message: text("A sentence for people.", { maxLength: 32768 }),
    },
  },
};

/** Conditions with the fields that Kubernetes has for them; `description` says which there are. */
export function conditions(description: string): StructuralSchema {
  return { ...CONDITIONS, description };
}

const COLUMNS: readonly Column[] = [
  { name: "Priority", type: "integer", jsonPath: ".spec.priority", description: "The higher one counts." },
  { name: "Nodes", type: "integer", jsonPath: ".status.nodes", description: "Nodes that it selects." },
  { name: "Applied", type: "integer", jsonPath: ".status.applied", description: "Nodes that have it." },
  { name: "Refused", type: "integer", jsonPath: ".status.refused", description: "Nodes that refuse a part." },
  { name: "Paused", type: "boolean", jsonPath: ".spec.paused", description: "Whether its changes wait." },
  {
    name: "Age",
    type: "date",
    jsonPath: ".metadata.creationTimestamp",
    description: "Time since its creation.",
  },
];

/** The kind of a configuration for several nodes. Its part `spec.config` is the declaration of the keys. */
export function configDefinition(): Definition {
  const config = structuralSchema(SCHEMA);
  return definition("K3osConfig", ["k3oscfg"], COLUMNS, {
    type: "object",
    description: "A part of the configuration of the nodes that it selects, with the keys of config.yaml.",
    required: ["spec"],
    properties: {
      spec: {
        type: "object",
        description: "What the nodes shall have.",
        required: ["nodeSelector", "config"],
        properties: {
          nodeSelector: LABELS,
          priority: {
            type: "integer",
            format: "int32",
            default: 0,
            description:
              "Of several objects that set a key of a node, the one with the higher priority counts; of two with the same, the one whose name comes later in the alphabet.",
          },
          paused: {
            type: "boolean",
            default: false,
            description: "Nodes keep what they have of this object.",
          },
          config: { ...config, description: "The configuration: the keys of config.yaml in snake case." },
          secretRefs: SECRET_REFS,
          rollout: ROLLOUT,
          drift: text(
            "What to do with a setting that was changed on the node: only report it, or restore it.",
            {
              enum: ["report", "restore"],
              default: "report",
            },
          ),
          version: text("The version of k3OS that the selected nodes shall have, such as `v0.36.3-k3s1r0`.", {
            pattern: "^v[0-9][A-Za-z0-9.+-]*$",
            maxLength: 63,
          }),
        },
      },
      status: {
        type: "object",
        description: "What became of it. Written by a server.",
        properties: {
          observedGeneration: {
            type: "integer",
            format: "int64",
            description: "The generation of the object that the numbers are about.",
          },
          nodes: COUNT("Nodes that it selects."),
          applied: COUNT("Nodes that have all of it."),
          pending: COUNT("Nodes on which a part waits for its turn or for a reboot."),
          refused: COUNT("Nodes that refuse a part of it."),
          reverted: COUNT("Nodes that were not healthy with it, and have what they had before."),
          conditions: conditions("`Complete`: every selected node has it."),
        },
      },
    },
  });
}
