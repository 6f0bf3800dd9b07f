import { type Column, conditions, type Definition, definition } from "./config-definition.ts";
import type { StructuralSchema } from "./structural-schema.ts";

const text = (description: string, more: StructuralSchema = {}) => ({
  description,
  type: "string",
  maxLength: 1024,
  ...more,
});

const COLUMNS: readonly Column[] = [
  { name: "Mode", type: "string", jsonPath: ".status.mode", description: "How the node was booted." },
  { name: "Version", type: "string", jsonPath: ".status.versions.k3os", description: "The version of k3OS." },
  { name: "K3s", type: "string", jsonPath: ".status.versions.k3s", description: "The version of k3s." },
  {
    name: "Kernel",
    type: "string",
    jsonPath: ".status.versions.kernel",
    description: "The kernel.",
    priority: 1,
  },
  {
    name: "Config",
    type: "string",
    jsonPath: '.status.conditions[?(@.type=="Applied")].reason',
    description: "Applied, Pending, Refused or Reverted.",
  },
  {
    name: "Healthy",
    type: "string",
    jsonPath: '.status.conditions[?(@.type=="Healthy")].status',
    description: "Whether the checks of the node pass.",
  },
  {
    name: "Since",
    type: "date",
    jsonPath: '.status.conditions[?(@.type=="Healthy")].lastTransitionTime',
    description: "Since when it is healthy, or not.",
  },
  {
    name: "Message",
    type: "string",
    jsonPath: '.status.conditions[?(@.type=="Applied")].message',
    description: "What became of the configuration.",
    priority: 1,
  },
];

const STATES = ["Applied", "Pending", "Refused", "Reverted"];

const CONFIGS: StructuralSchema = {
  type: "array",
  description: "The objects that select this node, the one that counts most last.",
  maxItems: 256,
  "x-kubernetes-list-type": "map",
  "x-kubernetes-list-map-keys": ["name"],
  items: {
    type: "object",
    required: ["name", "state"],
    properties: {
      name: text("Name of the K3osConfig."),
      resourceVersion: text("Its resource version, as this node has seen it."),
      generation: {
        type: "integer",
        format: "int64",
        description: "Its generation, as this node has seen it.",
      },
      state: text("What became of it.", { enum: STATES }),
      keys: {
        type: "array",
        description: "Settings that are not in effect, and why.",
        maxItems: 256,
        "x-kubernetes-list-type": "atomic",
        items: {
          type: "object",
          required: ["key", "state", "message"],
          properties: {
            key: text("The setting, such as `k3os.sysctls`."),
            state: text("What became of it. `Overridden`: another object counts.", {
              enum: ["Pending", "Refused", "Overridden", "Failed"],
            }),
            change: text("What a change of it needs.", { enum: ["live", "k3s", "reboot", "install"] }),
            message: text("The reason.", { maxLength: 4096 }),
          },
        },
      },
    },
  },
};

/** The kind of the report of one node, which the node itself writes. */
export function nodeDefinition(): Definition {
  return definition("K3osNode", [], COLUMNS, {
    type: "object",
    description: "What a node says of itself. It has the name of the node, and only that node writes it.",
    properties: {
      status: {
        type: "object",
        description: "The state of the node.",
        properties: {
          mode: text("How it was booted: `local` from a disk, `live` from a medium."),
          role: text("Its role in the cluster.", { enum: ["server", "agent"] }),
          versions: {
            type: "object",
            description: "What runs.",
            properties: {
              k3os: text("The version of k3OS."),
              k3s: text("The version of k3s."),
              kernel: text("The version of the kernel."),
            },
          },
          trial: text("The version on trial; absent if there is none."),
          quarantine: {
            type: "array",
            description: "Versions and configurations that failed here, and are not tried again.",
            maxItems: 64,
            "x-kubernetes-list-type": "atomic",
            items: {
              type: "object",
              required: ["name", "reason"],
              properties: {
                name: text("A version, or the hash of a configuration."),
                reason: text("Why it failed.", { maxLength: 4096 }),
                since: text("When it failed.", { format: "date-time" }),
              },
            },
          },
          configHash: text("Hash of what is applied of all objects together."),
          configs: CONFIGS,
          drift: {
            type: "array",
            description: "Settings that were changed on the node.",
            maxItems: 256,
            "x-kubernetes-list-type": "atomic",
            items: {
              type: "object",
              required: ["key", "message"],
              properties: {
                key: text("The setting."),
                message: text("What was expected and found. Without secrets.", { maxLength: 4096 }),
              },
            },
          },
          conditions: conditions(
            "`Applied`: every object that selects the node is in effect. `Healthy`: its checks pass. `Drifted`: a setting was changed on the node. `NeedsReboot`: a change waits for one.",
          ),
        },
      },
    },
  });
}
